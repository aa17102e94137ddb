/*
 * slowpath_app.c - a flow's application and HTTP's host name, as nDPI sees them
 *
 * One detection module; a place for nDPI's flow state for each flow in progress.  A packet is
 * shown from its IP header on; one that was copied short is shown as if it had been sent so:
 * nDPI trusts the length in the header.  Only what it calls DPI is not a guess.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ndpi_api.h>

#include "slowpath_private.h"

#define ENOUGH_PACKETS 10 /* doc/FAQ of nDPI: TLS needs so many; others need less */

struct sl_slow_app {
	struct ndpi_detection_module_struct *module;
	struct ndpi_flow_struct *flow; /* [SL_SLOW_BUSY] */
	uint32_t free[SL_SLOW_BUSY], frees;
	uint8_t packet[SL_INSPECT_BYTES];
};

struct sl_slow_app *sl_slow_app_open(void)
{
	struct sl_slow_app *app = calloc(1, sizeof(*app));
	NDPI_PROTOCOL_BITMASK all;

	if (!app)
		return NULL;
	/* QUIC is read by quic.c, so gcrypt is not needed; Tor's relays would be by address. */
	app->module =
		ndpi_init_detection_module(ndpi_dont_load_tor_hosts | ndpi_dont_init_libgcrypt);
	app->flow = calloc(SL_SLOW_BUSY, sizeof(*app->flow));
	if (!app->module || !app->flow) {
		sl_slow_app_close(app);
		return NULL;
	}
	NDPI_BITMASK_SET_ALL(all);
	/* NDPI_BITMASK_DEL() as it is meant: as it is written, it does not convert cleanly. */
	all.fds_bits[NDPI_PROTOCOL_QUIC / 32] &= ~(1u << NDPI_PROTOCOL_QUIC % 32);
	ndpi_set_protocol_detection_bitmask2(app->module, &all);
	ndpi_finalize_initialization(app->module);
	for (app->frees = 0; app->frees < SL_SLOW_BUSY; app->frees++)
		app->free[app->frees] = SL_SLOW_BUSY - 1 - app->frees;
	return app;
}

void sl_slow_app_close(struct sl_slow_app *app)
{
	if (!app)
		return;
	if (app->module)
		ndpi_exit_detection_module(app->module);
	free(app->flow);
	free(app);
}

static struct ndpi_flow_struct *flow_of(struct sl_slow_app *app, struct sl_slow_flow *flow)
{
	if (!flow->ndpi && app->frees)
		flow->ndpi = &app->flow[app->free[--app->frees]];
	return flow->ndpi;
}

void sl_slow_app_drop(struct sl_slow_app *app, struct sl_slow_flow *flow)
{
	struct ndpi_flow_struct *ndpi = flow->ndpi;

	if (!ndpi)
		return;
	ndpi_free_flow_data(ndpi);
	memset(ndpi, 0, sizeof(*ndpi));
	app->free[app->frees++] = (uint32_t)(ndpi - app->flow);
	flow->ndpi = NULL;
}

/* ---- names ---- */

static void write_app(struct sl_slow_app *app, ndpi_protocol protocol, char out[SL_APP_MAX])
{
	if (protocol.app_protocol == NDPI_PROTOCOL_UNKNOWN &&
	    protocol.master_protocol == NDPI_PROTOCOL_UNKNOWN)
		out[0] = 0;
	else
		ndpi_protocol2name(app->module, protocol, out, SL_APP_MAX);
}

void sl_slow_app_of_name(struct sl_slow_app *app, const char *prefix, const char *name,
			 char out[SL_APP_MAX])
{
	char text[SL_SERVER_NAME_MAX];
	ndpi_protocol_match_result result = {0};
	int id = 0;

	snprintf(text, sizeof(text), "%s", name);
	if (text[0])
		id = ndpi_match_string_subprotocol(app->module, text, (u_int)strlen(text), &result);
	if (id > 0)
		snprintf(out, SL_APP_MAX, "%s%s%.32s", prefix, prefix[0] ? "." : "",
			 ndpi_get_proto_name(app->module, (u_int16_t)id));
	else
		snprintf(out, SL_APP_MAX, "%s", prefix);
}

/* HTTP's Host (RFC 9110 7.2) without its port; an address is no name. */
static void host_name(const struct ndpi_flow_struct *ndpi, char out[SL_SERVER_NAME_MAX])
{
	const char *host = ndpi->host_server_name;
	size_t length = strcspn(host, ":");
	bool is_name = false;

	out[0] = 0;
	if (strlen(host) >= sizeof(ndpi->host_server_name) - 1)
		return; /* cut, at its front: not the name */
	for (size_t i = 0; i < length; i++)
		is_name |= !isdigit((unsigned char)host[i]) && host[i] != '.';
	if (is_name)
		sl_hello_name((const uint8_t *)host, (uint32_t)length, out);
}

static bool has(ndpi_protocol protocol, uint16_t id)
{
	return protocol.master_protocol == id || protocol.app_protocol == id;
}

/* Protocols in which a ClientHello may follow (RFC 2595, 3207, 4217, 4511, 6120, 9110 9.3.6 ...). */
static bool upgrades(ndpi_protocol protocol)
{
	static const uint16_t ids[] = {
		NDPI_PROTOCOL_MAIL_SMTP,   NDPI_PROTOCOL_MAIL_POP, NDPI_PROTOCOL_MAIL_IMAP,
		NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_SOCKS,    NDPI_PROTOCOL_HTTP_CONNECT,
		NDPI_PROTOCOL_HTTP_PROXY,  NDPI_PROTOCOL_JABBER,   NDPI_PROTOCOL_LDAP,
		NDPI_PROTOCOL_POSTGRES,    NDPI_PROTOCOL_MYSQL,    NDPI_PROTOCOL_IRC,
		NDPI_PROTOCOL_TLS, /* its ClientHello was missed, so far */
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (has(protocol, ids[i]))
			return true;
	return false;
}

static void judge(struct sl_slow_app *app, const struct ndpi_flow_struct *ndpi,
		  ndpi_protocol protocol, struct sl_slow_app_verdict *out)
{
	*out = (struct sl_slow_app_verdict){.guessed = ndpi->confidence != NDPI_CONFIDENCE_DPI,
					    .upgrades = upgrades(protocol)};
	write_app(app, protocol, out->app);
	if (has(protocol, NDPI_PROTOCOL_HTTP) && !out->guessed)
		host_name(ndpi, out->host);
}

/* ---- packets ---- */

/*
 * nDPI reads headers for itself, and what a flow holds of a protocol leaks when the next packet seems
 * to have another.  So it sees only packets that it cannot read otherwise than the core did:
 * none with extension headers of IPv6, of which it knows fewer.
 */
static bool is_plain(const struct sl_inspect *inspect)
{
	uint8_t version = inspect->bytes[0] >> 4;

	if (version == 4)
		return inspect->length >= 20 && inspect->bytes[9] == inspect->key.proto;
	return version == 6 && inspect->length >= 40 && inspect->bytes[6] == inspect->key.proto;
}

/* The copy, with a length in its IP header that does not go past its end. */
static const uint8_t *shown(struct sl_slow_app *app, const struct sl_inspect *inspect)
{
	uint8_t *packet = app->packet;
	uint32_t length = inspect->length, says, fixed = 0;

	if (length < 40)
		return inspect->bytes;
	if (inspect->bytes[0] >> 4 == 4) {
		says = (uint32_t)inspect->bytes[2] << 8 | inspect->bytes[3];
	} else {
		says = 40 + ((uint32_t)inspect->bytes[4] << 8 | inspect->bytes[5]);
		fixed = 40;
	}
	if (says <= length && says > fixed)
		return inspect->bytes;
	memcpy(packet, inspect->bytes, length);
	packet[fixed ? 4 : 2] = (uint8_t)((length - fixed) >> 8);
	packet[fixed ? 5 : 3] = (uint8_t)(length - fixed);
	return packet;
}

void sl_slow_app_packet(struct sl_slow_app *app, struct sl_slow_flow *flow,
			const struct sl_inspect *inspect, struct sl_slow_app_verdict *out)
{
	struct ndpi_flow_struct *ndpi;
	ndpi_protocol protocol;
	bool known;

	*out = (struct sl_slow_app_verdict){.upgrades = flow->upgrades};
	if (!is_plain(inspect))
		return;
	ndpi = flow_of(app, flow);
	out->settled = !ndpi;
	if (!ndpi)
		return;
	protocol = ndpi_detection_process_packet(app->module, ndpi, shown(app, inspect),
						 inspect->length, inspect->now_ns / 1000000);
	judge(app, ndpi, protocol, out);
	known = out->app[0] && !out->guessed;
	out->settled = ndpi->num_processed_pkts >= ENOUGH_PACKETS ||
		       (known && !ndpi_extra_dissection_possible(app->module, ndpi));
}

void sl_slow_app_last(struct sl_slow_app *app, struct sl_slow_flow *flow,
		      struct sl_slow_app_verdict *out)
{
	struct ndpi_flow_struct *ndpi = flow->ndpi;
	u_int8_t guessed = 0;
	ndpi_protocol protocol = ndpi_detection_giveup(app->module, ndpi, 1, &guessed);

	judge(app, ndpi, protocol, out);
	out->guessed |= guessed != 0;
	out->settled = true;
}
