/*
 * link_test.c - link headers by hand: tags, PPPoE, label stacks, and where the packet begins
 *
 * Truth: IEEE 802.1Q, RFC 2516 4, RFC 3032 2.1 (bottom of stack, what is below it shows itself).
 */
#include <stdio.h>

#include "tests/unit/fastpath/hex.h"
#include "tests/unit/row.h"

#define L   "000140ff " /* a label, more below */
#define END "000141ff " /* the last label */
#define IP4 "45000034 1234 4000 40 06 0000 0a2a4005 cb007107 "
#define IP6                                                     \
	"60000000 0020 06 40 20010db8000000000000000000000001 " \
	"20010db8000000000000000000000002 "
#define TCP "c001 01bb 00000064 000000c8 8010 01f6 0000 0000 0101080a 00000007 00000009"

static const struct row {
	const char *name;
	const char *hex;
	enum sl_reason reason;
	uint16_t l3, vlan, tags;
	bool ip6;
} rows[] = {
	{"mpls, 1 label", HEX_MAC "8847" END IP4 TCP, SL_REASON_MEASURED, 18},
	{"mpls, 2 labels", HEX_MAC "8847" L END IP4 TCP, SL_REASON_MEASURED, 22},
	{"mpls, 3 labels", HEX_MAC "8847" L L END IP4 TCP, SL_REASON_MEASURED, 26},
	{"mpls, 4 labels", HEX_MAC "8847" L L L END IP4 TCP, SL_REASON_MEASURED, 30},
	{"mpls, 5 labels", HEX_MAC "8847" L L L L END IP4 TCP, SL_REASON_MEASURED, 34},
	{"mpls, 6 labels", HEX_MAC "8847" L L L L L END IP4 TCP, SL_REASON_MEASURED, 38},
	{"mpls, 7 labels are too many", HEX_MAC "8847" L L L L L L END IP4 TCP, SL_REASON_NOT_IP},
	{"mpls, ipv6 below", HEX_MAC "8847" L END IP6 TCP, SL_REASON_MEASURED, 22, .ip6 = true},
	{"mpls, a pseudowire's control word is not ip", HEX_MAC "8847" END "00000000" IP4 TCP,
	 SL_REASON_NOT_IP},
	{"mpls to a group", HEX_MAC "8848" END IP4 TCP, SL_REASON_MEASURED, 18},
	{"mpls behind a tag", HEX_MAC "8100 0014 8847" END IP4 TCP, SL_REASON_MEASURED, 22, 20, 1},
	{"mpls behind two tags", HEX_MAC "88a8 0064 8100 0014 8847" L END IP4 TCP,
	 SL_REASON_MEASURED, 30, 100, 2},
	{"pppoe, ipv6", HEX_MAC "8864 1100 0001 004a 0057" IP6 TCP, SL_REASON_MEASURED, 22,
	 .ip6 = true},
	{"pppoe behind a tag", HEX_MAC "8100 0007 8864 1100 0001 0036 0021" IP4 TCP,
	 SL_REASON_MEASURED, 26, 7, 1},
	{"pppoe, lcp is not ip", HEX_MAC "8864 1100 0001 0006 c021 01010004", SL_REASON_NOT_IP},
	{"pppoe discovery is not ip", HEX_MAC "8863 1109 0000 0004 01010000", SL_REASON_NOT_IP},
	{"a tag of 0x9100", HEX_MAC "9100 0014 0800" IP4 TCP, SL_REASON_MEASURED, 18, 20, 1},
	{"a priority tag has vlan 0", HEX_MAC "8100 e000 0800" IP4 TCP, SL_REASON_MEASURED, 18, 0,
	 1},
	{"an 802.3 length is not ip", HEX_MAC "0034" IP4 TCP, SL_REASON_NOT_IP},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void frame(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[512] = {0};
	struct sl_packet packet;
	size_t size = hex_bytes(row->hex, bytes);

	assert_int_equal(hex_parse(bytes, size, size, 0, &packet), row->reason);
	assert_int_equal(packet.vlan, row->vlan);
	assert_int_equal(packet.tags, row->tags);
	if (row->reason != SL_REASON_MEASURED)
		return;
	assert_int_equal(packet.l3_offset, row->l3);
	assert_int_equal(packet.ip6, row->ip6);
	assert_int_equal(packet.dst_port, 443);
	assert_int_equal(packet.tsval, 7);
}

/* Cut before the packet begins: the link header is cut, and says so. */
static void cut(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[512] = {0};
	struct sl_packet packet;
	size_t size = hex_bytes(row->hex, bytes);

	for (size_t n = 0; n < size; n++) {
		enum sl_reason reason = hex_parse(bytes, n, size, 0, &packet);

		if (row->reason == SL_REASON_MEASURED && n < row->l3)
			assert_int_equal(reason, SL_REASON_ETH_SHORT);
		else if (row->reason == SL_REASON_MEASURED && n < row->l3 + 40u)
			assert_int_not_equal(reason, SL_REASON_MEASURED);
	}
}

int main(void)
{
	static struct sl_row_tests tests;
	static char names[ROWS][96];

	SL_ROWS_ADD(&tests, rows, frame);
	for (size_t i = 0; i < ROWS; i++) {
		snprintf(names[i], sizeof(names[i]), "cut: %s", rows[i].name);
		sl_row_add(&tests, names[i], cut, &rows[i]);
	}
	return sl_row_run("fastpath link", &tests);
}
