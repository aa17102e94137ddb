/*
 * dhcp_test.c - DHCP messages by hand, and what is read of them (RFC 2131 2, RFC 2132 9)
 *
 * A row's hex: op, htype, hlen; chaddr's first 6 bytes; the cookie; options, all that follows.
 * Each good one is also cut at every byte before the end of what must be there: refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dhcp.h"
#include "tests/unit/dataplane/wire_make.h"
#include "tests/unit/row.h"

#define COOKIE   "63825363"
#define PHONE    "0242ac110002 "
#define SERVER_1 "3604 0a000001 "

static const struct row {
	const char *name;
	const char *head, *client, *cookie, *options;
	int err;
	enum sl_dhcp_type type;
	uint32_t server;
} rows[] = {
	{"a client looks for a server", "010106", PHONE, COOKIE, "350101 ff", 0, SL_DHCP_DISCOVER},
	{"a server offers", "020106", PHONE, COOKIE, "350102 " SERVER_1 "ff", 0, SL_DHCP_OFFER,
	 0x0a000001},
	{"a client chooses", "010106", PHONE, COOKIE, "350103 " SERVER_1 "ff", 0, SL_DHCP_REQUEST,
	 0x0a000001},
	{"a client renews: it names no server", "010106", PHONE, COOKIE, "350103 ff", 0,
	 SL_DHCP_REQUEST},
	{"a server refuses", "020106", PHONE, COOKIE, "350106 " SERVER_1 "ff", 0, SL_DHCP_NAK,
	 0x0a000001},
	{"other options, in any order", "010106", PHONE, COOKIE,
	 "3d07 01 0242ac110002 0c03 616263 3704 01030f06 350101 ff", 0, SL_DHCP_DISCOVER},
	{"padding between and behind", "010106", PHONE, COOKIE, "00 00 350101 00 ff 00000000", 0,
	 SL_DHCP_DISCOVER},
	{"what follows the end is not read", "010106", PHONE, COOKIE, "350101 ff 350103 36", 0,
	 SL_DHCP_DISCOVER},
	{"without an end option", "010106", PHONE, COOKIE, "350101", 0, SL_DHCP_DISCOVER},
	{"an empty option", "010106", PHONE, COOKIE, "5000 350101 ff", 0, SL_DHCP_DISCOVER},
	{"an option of 255 bytes' worth that is not all there", "010106", PHONE, COOKIE,
	 "350101 2bff 00", -EBADMSG},
	{"an option without a length", "010106", PHONE, COOKIE, "350101 2b", -EBADMSG},
	{"no type: BOOTP", "010106", PHONE, COOKIE, SERVER_1 "ff", -EBADMSG},
	{"a type of two bytes", "010106", PHONE, COOKIE, "35020101 ff", -EBADMSG},
	{"a type of no bytes", "010106", PHONE, COOKIE, "3500 ff", -EBADMSG},
	{"type 0", "010106", PHONE, COOKIE, "350100 ff", -EBADMSG},
	{"a type of another protocol", "010106", PHONE, COOKIE, "35010a ff", -EBADMSG},
	{"a server of three bytes", "020106", PHONE, COOKIE, "350102 3603 0a0000 ff", -EBADMSG},
	{"a client that offers", "010106", PHONE, COOKIE, "350102 ff", -EBADMSG},
	{"a server that looks for one", "020106", PHONE, COOKIE, "350101 ff", -EBADMSG},
	{"another cookie", "010106", PHONE, "63825364", "350101 ff", -EBADMSG},
	{"no Ethernet", "010606", PHONE, COOKIE, "350101 ff", -EBADMSG},
	{"an address of 16 bytes", "010110", PHONE, COOKIE, "350101 ff", -EBADMSG},
};

static void make(const struct row *row, struct wire *message)
{
	message->length = 0;
	wire_hex(message, row->head);
	wire_zeros(message, 28 - 3);
	wire_hex(message, row->client);
	wire_zeros(message, 10 + 64 + 128);
	wire_hex(message, row->cookie);
	wire_hex(message, row->options);
}

/* In memory of that size, so that a read past the end is seen. */
static int read_exactly(const struct wire *message, uint32_t length, struct sl_dhcp_message *out)
{
	uint8_t *bytes = malloc(length ? length : 1);
	int err;

	memcpy(bytes, message->bytes, length);
	err = sl_dhcp_read(bytes, length, out);
	free(bytes);
	return err;
}

static void reads(void **state)
{
	const struct row *row = *state;
	struct sl_dhcp_message out = {.type = 99, .client = 98, .server = 97};
	static struct wire message;

	make(row, &message);
	assert_int_equal(read_exactly(&message, message.length, &out), row->err);
	if (row->err) {
		assert_int_equal(out.type, 99);
		assert_int_equal(out.client, 98);
		assert_int_equal(out.server, 97);
		return;
	}
	assert_int_equal(out.type, row->type);
	assert_true(out.client == UINT64_C(0x0242ac110002));
	assert_true(out.client & SL_DHCP_RANDOM);
	assert_int_equal(out.server, row->server);
	for (uint32_t length = 0; length <= 240; length++)
		assert_int_equal(read_exactly(&message, length, &out), -EBADMSG);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, reads);
	return sl_row_run("dhcp", &tests);
}
