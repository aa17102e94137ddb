/*
 * leases.c - clients by VLAN and MAC address, in the order they were heard; servers by VLAN
 */
#include "leases.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#define MINUTE_NS (60 * SL_LEASES_SECOND_NS)
#define MINUTES   (SL_LEASES_WINDOW_NS / MINUTE_NS)
#define AGAIN_NS  (SL_LEASES_SECOND_NS / 2) /* the same packet by another port comes sooner */

struct client {
	uint64_t key; /* VLAN and MAC address */
	struct client *chain;
	TAILQ_ENTRY(client) line; /* of its VLAN, the longest unheard first; or free */
	uint64_t seen_ns;
	uint64_t asked_ns, asks_ns; /* the first DISCOVER that nothing followed, and the last */
	uint64_t nak_ns;
	uint32_t asks, naks;
	bool asking, chose; /* has said DISCOVER; has named a server */
};
TAILQ_HEAD(client_list, client);

struct server {
	uint32_t address; /* 0 = free */
	bool known;
	uint64_t first_ns, last_ns;
};

struct vlan {
	bool used;
	uint16_t vlan;
	uint32_t count; /* of clients */
	struct client_list clients;
	uint64_t seen_ns, named_ns; /* named: when a server was named first; 0 = none yet */
	uint32_t choosers;          /* clients that have named one */
	struct server server[SL_LEASES_SERVERS];
	struct {
		uint64_t minute;
		uint32_t discovers, naks;
	} minute[MINUTES];
};

struct sl_leases {
	struct vlan vlan[SL_LEASES_VLANS];
	struct client client[SL_LEASES_CLIENTS], *head[SL_LEASES_CLIENTS];
	struct client_list free;
	uint64_t evicted;
};

int sl_leases_open(struct sl_leases **out)
{
	struct sl_leases *leases = calloc(1, sizeof(*leases));

	if (!leases)
		return -ENOMEM;
	TAILQ_INIT(&leases->free);
	for (uint32_t i = 0; i < SL_LEASES_CLIENTS; i++)
		TAILQ_INSERT_TAIL(&leases->free, &leases->client[i], line);
	*out = leases;
	return 0;
}

void sl_leases_close(struct sl_leases *leases)
{
	free(leases);
}

uint64_t sl_leases_evicted(const struct sl_leases *leases)
{
	return leases->evicted;
}

/* ---- clients ---- */

/* Makers number their MAC addresses: the last bits alone would do, but for those who flood. */
static struct client **head_of(struct sl_leases *leases, uint64_t key)
{
	uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 by the golden ratio */

	return &leases->head[(hash >> 32) & (SL_LEASES_CLIENTS - 1)];
}

static void forget_client(struct sl_leases *leases, struct vlan *vlan, struct client *client)
{
	struct client **at = head_of(leases, client->key);

	while (*at != client)
		at = &(*at)->chain;
	*at = client->chain;
	vlan->count--;
	TAILQ_REMOVE(&vlan->clients, client, line);
	TAILQ_INSERT_HEAD(&leases->free, client, line);
}

static void expire(struct sl_leases *leases, struct vlan *vlan, uint64_t now_ns)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&vlan->clients)) &&
	       now_ns - client->seen_ns >= SL_LEASES_WINDOW_NS)
		forget_client(leases, vlan, client);
}

static void make_room(struct sl_leases *leases)
{
	struct vlan *most = &leases->vlan[0];

	if (!TAILQ_EMPTY(&leases->free))
		return;
	for (uint32_t i = 1; i < SL_LEASES_VLANS; i++)
		if (leases->vlan[i].count > most->count)
			most = &leases->vlan[i];
	forget_client(leases, most, TAILQ_FIRST(&most->clients));
	leases->evicted++;
}

static struct client *client_of(struct sl_leases *leases, struct vlan *vlan, uint64_t mac)
{
	uint64_t key = (uint64_t)vlan->vlan << 48 | mac;
	struct client **head = head_of(leases, key), *client = *head;

	while (client && client->key != key)
		client = client->chain;
	if (client) {
		TAILQ_REMOVE(&vlan->clients, client, line);
	} else {
		make_room(leases);
		client = TAILQ_FIRST(&leases->free);
		TAILQ_REMOVE(&leases->free, client, line);
		*client = (struct client){.key = key, .chain = *head};
		*head = client;
		vlan->count++;
	}
	TAILQ_INSERT_TAIL(&vlan->clients, client, line);
	return client;
}

/* ---- VLANs ---- */

static void forget_vlan(struct sl_leases *leases, struct vlan *vlan)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&vlan->clients)))
		forget_client(leases, vlan, client);
	leases->evicted++;
}

static struct vlan *vlan_of(struct sl_leases *leases, uint16_t number)
{
	struct vlan *oldest = &leases->vlan[0];

	for (uint32_t i = 0; i < SL_LEASES_VLANS; i++) {
		struct vlan *vlan = &leases->vlan[i];

		if (vlan->used && vlan->vlan == number)
			return vlan;
		if (oldest->used && (!vlan->used || vlan->seen_ns < oldest->seen_ns))
			oldest = vlan;
	}
	if (oldest->used)
		forget_vlan(leases, oldest);
	*oldest = (struct vlan){.used = true, .vlan = number};
	TAILQ_INIT(&oldest->clients);
	return oldest;
}

static void count(struct vlan *vlan, const struct sl_dhcp_message *message, uint64_t now_ns)
{
	uint64_t minute = now_ns / MINUTE_NS, i = minute % MINUTES;

	if (vlan->minute[i].minute != minute)
		vlan->minute[i].discovers = vlan->minute[i].naks = 0;
	vlan->minute[i].minute = minute;
	vlan->minute[i].discovers += message->type == SL_DHCP_DISCOVER;
	vlan->minute[i].naks += message->type == SL_DHCP_NAK;
}

/* ---- servers ---- */

static bool learns(const struct vlan *vlan, uint64_t now_ns)
{
	return !vlan->named_ns ||
	       (vlan->choosers < SL_LEASES_LEARN && now_ns - vlan->named_ns < SL_LEASES_LEARN_NS);
}

/* The place of @address, else a free one, else that of the longest unheard, a new one's first. */
static struct server *server_of(struct sl_leases *leases, struct vlan *vlan, uint32_t address)
{
	struct server *gives = &vlan->server[0];

	for (uint32_t i = 0; i < SL_LEASES_SERVERS; i++) {
		struct server *server = &vlan->server[i];

		if (server->address == address || !server->address)
			return server;
		if (gives->known == server->known ? server->last_ns < gives->last_ns : gives->known)
			gives = server;
	}
	leases->evicted++;
	*gives = (struct server){.address = 0};
	return gives;
}

static void name_server(struct sl_leases *leases, struct vlan *vlan, uint32_t address,
			uint64_t now_ns)
{
	struct server *server = server_of(leases, vlan, address);

	if (!server->address || now_ns - server->last_ns >= SL_LEASES_FORGET_NS)
		*server = (struct server){.address = address,
					  .known = learns(vlan, now_ns),
					  .first_ns = now_ns};
	else if (now_ns - server->first_ns >= SL_LEASES_ACCEPT_NS)
		server->known = true;
	server->last_ns = now_ns;
	if (!vlan->named_ns)
		vlan->named_ns = now_ns;
}

/* ---- what is seen ---- */

static void discovers(struct client *client, uint64_t now_ns)
{
	client->asking = true;
	if (client->asks && now_ns - client->asks_ns < AGAIN_NS)
		return;
	if (!client->asks)
		client->asked_ns = now_ns;
	client->asks_ns = now_ns;
	client->asks++;
}

static void is_refused(struct client *client, uint64_t now_ns)
{
	if (client->naks && now_ns - client->nak_ns < AGAIN_NS)
		return;
	client->nak_ns = now_ns;
	client->naks++;
}

void sl_leases_take(struct sl_leases *leases, uint16_t number,
		    const struct sl_dhcp_message *message, uint64_t now_ns)
{
	struct vlan *vlan = vlan_of(leases, number);
	struct client *client;

	expire(leases, vlan, now_ns);
	client = client_of(leases, vlan, message->client);
	client->seen_ns = vlan->seen_ns = now_ns;
	count(vlan, message, now_ns);
	switch (message->type) {
	case SL_DHCP_DISCOVER:
		return discovers(client, now_ns);
	case SL_DHCP_NAK:
		is_refused(client, now_ns);
		break;
	case SL_DHCP_ACK:
		client->naks = 0;
		break;
	case SL_DHCP_OFFER:
	case SL_DHCP_REQUEST:
		break;
	default:
		return; /* it has an address */
	}
	client->asks = 0;
	if (!message->server)
		return;
	name_server(leases, vlan, message->server, now_ns);
	vlan->choosers += !client->chose;
	client->chose = true;
}

/* ---- the view ---- */

static void view_client(const struct client *client, uint64_t now_ns, struct sl_leases_vlan *out)
{
	out->clients++;
	out->random += (client->key & SL_DHCP_RANDOM) != 0;
	out->asking += client->asking;
	out->unanswered += client->asks >= SL_LEASES_TRIES &&
			   client->asks_ns - client->asked_ns >= SL_LEASES_TRIED_NS &&
			   now_ns - client->asks_ns < SL_LEASES_NOW_NS;
	out->refused +=
		client->naks >= SL_LEASES_NAKS && now_ns - client->nak_ns < SL_LEASES_NOW_NS;
}

static void view_servers(const struct vlan *vlan, uint64_t now_ns, struct sl_leases_vlan *out)
{
	uint64_t newest_ns = 0;

	for (uint32_t i = 0; i < SL_LEASES_SERVERS; i++) {
		const struct server *server = &vlan->server[i];

		if (!server->address || now_ns - server->last_ns >= SL_LEASES_WINDOW_NS)
			continue;
		out->servers++;
		if (!server->known && server->last_ns >= newest_ns) {
			newest_ns = server->last_ns;
			out->new_server = server->address;
		}
	}
}

static void view_vlan(const struct vlan *vlan, uint64_t now_ns, struct sl_leases_vlan *out)
{
	const struct client *client;

	*out = (struct sl_leases_vlan){.vlan = vlan->vlan};
	for (client = TAILQ_FIRST(&vlan->clients); client; client = TAILQ_NEXT(client, line))
		view_client(client, now_ns, out);
	view_servers(vlan, now_ns, out);
	for (uint32_t i = 0; i < MINUTES; i++)
		if (now_ns / MINUTE_NS - vlan->minute[i].minute < MINUTES) {
			out->discovers += vlan->minute[i].discovers;
			out->naks += vlan->minute[i].naks;
		}
}

uint32_t sl_leases_view(struct sl_leases *leases, uint64_t now_ns,
			struct sl_leases_vlan out[SL_LEASES_VLANS])
{
	uint32_t vlans = 0;

	for (uint32_t i = 0; i < SL_LEASES_VLANS; i++) {
		struct vlan *vlan = &leases->vlan[i];

		if (!vlan->used)
			continue;
		expire(leases, vlan, now_ns);
		if (vlan->count)
			view_vlan(vlan, now_ns, &out[vlans++]);
	}
	return vlans;
}
