/*
 * leases_test.c - what is said of a VLAN's DHCP: who is unanswered, refused; which server is new
 *
 * A row is a story: steps at seconds, then the view at its end.  Thresholds are leases.h's.
 */
#include <stdlib.h>
#include <string.h>

#include "dataplane/leases.h"
#include "tests/unit/row.h"

#define STEPS  12
#define S_NS   SL_LEASES_SECOND_NS
#define BEGIN  (1000 * S_NS)
#define SERVER 0x0a000001u
#define OTHER  0x0a090909u
#define MAKER  UINT64_C(0x001122000000) /* numbered by who made it */

#define D SL_DHCP_DISCOVER
#define O SL_DHCP_OFFER
#define R SL_DHCP_REQUEST
#define A SL_DHCP_ACK
#define N SL_DHCP_NAK

struct step {
	double at_s;
	enum sl_dhcp_type type;
	uint32_t server;
	uint16_t times; /* by so many clients, one after the other; 0 = by the first alone */
};

static const struct row {
	const char *name;
	struct step step[STEPS];
	double at_s; /* of the view */
	struct sl_leases_vlan expect;
} rows[] = {
	{"nobody", {{0}}, 1, {0}},
	{"one that gets an address",
	 {{0, D}, {0.1, O, SERVER}, {0.2, R, SERVER}, {0.3, A, SERVER}},
	 1,
	 {.clients = 1, .asking = 1, .discovers = 1, .servers = 1}},
	{"of which only what it broadcasts is seen",
	 {{0, D}, {0.2, R, SERVER}},
	 1,
	 {.clients = 1, .asking = 1, .discovers = 1, .servers = 1}},
	{"three times in vain, over four seconds",
	 {{0, D}, {2, D}, {4, D}},
	 5,
	 {.clients = 1, .asking = 1, .unanswered = 1, .discovers = 3}},
	{"two times are not yet in vain",
	 {{0, D}, {4, D}},
	 5,
	 {.clients = 1, .asking = 1, .discovers = 2}},
	{"nor are three in three seconds",
	 {{0, D}, {1, D}, {3, D}},
	 5,
	 {.clients = 1, .asking = 1, .discovers = 3}},
	{"the same packet by two ports is one",
	 {{0, D}, {0.001, D}, {5, D}, {5.001, D}},
	 6,
	 {.clients = 1, .asking = 1, .discovers = 4}},
	{"a REQUEST says that it was answered",
	 {{0, D}, {2, D}, {4, D}, {6, R, SERVER}},
	 7,
	 {.clients = 1, .asking = 1, .discovers = 3, .servers = 1}},
	{"so does an OFFER",
	 {{0, D}, {2, D}, {4, D}, {6, O, SERVER}},
	 7,
	 {.clients = 1, .asking = 1, .discovers = 3, .servers = 1}},
	{"and then it begins anew",
	 {{0, D}, {2, D}, {4, R, SERVER}, {6, D}, {9, D}},
	 10,
	 {.clients = 1, .asking = 1, .discovers = 4, .servers = 1}},
	{"who has gone is not waiting",
	 {{0, D}, {2, D}, {4, D}},
	 4 + 300,
	 {.clients = 1, .asking = 1, .discovers = 3}},
	{"and is not remembered for ever", {{0, D}, {2, D}, {4, D}}, 4 + 600, {0}},
	{"counts are of ten minutes",
	 {{0, D, 0, 5}, {650, D}},
	 660,
	 {.clients = 1, .asking = 1, .discovers = 1}},
	{"one NAK is usual",
	 {{0, R}, {0.1, N, SERVER}, {1, D}, {1.2, R, SERVER}},
	 2,
	 {.clients = 1, .asking = 1, .discovers = 1, .naks = 1, .servers = 1}},
	{"NAK again and again",
	 {{0, R}, {1, N, SERVER}, {2, R}, {3, N, SERVER}, {4, R}, {5, N, SERVER}},
	 6,
	 {.clients = 1, .refused = 1, .naks = 3, .servers = 1}},
	{"until an ACK",
	 {{0, R}, {1, N, SERVER}, {3, N, SERVER}, {5, N, SERVER}, {6, A, SERVER}},
	 7,
	 {.clients = 1, .naks = 3, .servers = 1}},
	{"who has an address is a client, and no more",
	 {{0, SL_DHCP_INFORM}, {1, SL_DHCP_RELEASE}, {2, SL_DHCP_DECLINE}},
	 3,
	 {.clients = 1}},
	{"two servers at first are the VLAN's own",
	 {{0, R, SERVER, 8}, {1, R, OTHER}},
	 2,
	 {.clients = 8, .servers = 2}},
	{"a second one when the first is known is new",
	 {{0, R, SERVER, 16}, {1, R, OTHER}},
	 2,
	 {.clients = 16, .servers = 2, .new_server = OTHER}},
	{"whoever names it first",
	 {{0, R, SERVER, 16}, {1, O, OTHER}},
	 2,
	 {.clients = 16, .servers = 2, .new_server = OTHER}},
	{"so it is after an hour, however few the clients",
	 {{0, R, SERVER}, {3600, R, OTHER}},
	 3601,
	 {.clients = 1, .servers = 1, .new_server = OTHER}},
	{"one client again and again is not many",
	 {{0, R, SERVER}, {1, R, SERVER}, {2, R, SERVER}, {3, R, OTHER}},
	 4,
	 {.clients = 1, .servers = 2}},
	{"a new one that is silent again is no news",
	 {{0, R, SERVER, 16}, {1, R, OTHER}, {600, R, SERVER}},
	 602,
	 {.clients = 1, .servers = 1}},
	{"nor is one that has been there for a day",
	 {{0, R, SERVER, 16}, {1, R, OTHER}, {86401, R, OTHER}},
	 86402,
	 {.clients = 1, .servers = 1}},
	{"a known one that was gone for a week is new",
	 {{0, R, SERVER, 16}, {604800, R, SERVER}},
	 604801,
	 {.clients = 1, .servers = 1, .new_server = SERVER}},
	{"of two new ones the last heard is named",
	 {{0, R, SERVER, 16}, {1, R, OTHER}, {2, R, OTHER + 1}, {3, R, OTHER}},
	 4,
	 {.clients = 16, .servers = 3, .new_server = OTHER}},
};

static uint64_t ns(double at_s)
{
	return BEGIN + (uint64_t)(at_s * 1e3) * (S_NS / 1000);
}

static void see(struct sl_leases *leases, uint16_t vlan, uint64_t client, const struct step *step)
{
	struct sl_dhcp_message message = {.type = step->type,
					  .client = client,
					  .server = step->server};

	sl_leases_take(leases, vlan, &message, ns(step->at_s));
}

static void story(void **state)
{
	const struct row *row = *state;
	struct sl_leases_vlan view[SL_LEASES_VLANS], expect = row->expect;
	struct sl_leases *leases;
	uint32_t vlans;

	assert_int_equal(sl_leases_open(&leases), 0);
	for (const struct step *step = row->step; step->type; step++)
		for (uint32_t i = 0; i < (step->times ? step->times : 1u); i++)
			see(leases, 30, MAKER + i, step);
	vlans = sl_leases_view(leases, ns(row->at_s), view);
	assert_int_equal(vlans, expect.clients != 0);
	expect.vlan = 30;
	if (vlans)
		assert_memory_equal(&view[0], &expect, sizeof(expect));
	assert_int_equal(sl_leases_evicted(leases), 0);
	sl_leases_close(leases);
}

static void phones_make_their_own_addresses(void **state)
{
	struct sl_leases_vlan view[SL_LEASES_VLANS];
	struct sl_leases *leases;

	assert_int_equal(sl_leases_open(&leases), 0);
	see(leases, 0, MAKER, &(struct step){0, D});
	see(leases, 0, SL_DHCP_RANDOM | 7, &(struct step){0, D});
	see(leases, 0, SL_DHCP_RANDOM | 8, &(struct step){0, D});
	assert_int_equal(sl_leases_view(leases, ns(1), view), 1);
	assert_int_equal(view[0].clients, 3);
	assert_int_equal(view[0].random, 2);
	sl_leases_close(leases);
}

static const struct sl_leases_vlan *find(const struct sl_leases_vlan *view, uint32_t vlans,
					 uint16_t vlan)
{
	for (uint32_t i = 0; i < vlans; i++)
		if (view[i].vlan == vlan)
			return &view[i];
	return NULL;
}

static void a_flood_costs_only_its_own_vlan(void **state)
{
	struct sl_leases_vlan view[SL_LEASES_VLANS];
	struct sl_leases *leases;
	uint32_t vlans;

	assert_int_equal(sl_leases_open(&leases), 0);
	for (int i = 0; i < 3; i++)
		see(leases, 10, MAKER, &(struct step){i * 2, D});
	for (uint64_t i = 0; i < 2 * SL_LEASES_CLIENTS; i++)
		see(leases, 30, SL_DHCP_RANDOM | i, &(struct step){5, D});
	vlans = sl_leases_view(leases, ns(6), view);
	assert_int_equal(vlans, 2);
	assert_int_equal(find(view, vlans, 10)->unanswered, 1);
	assert_int_equal(find(view, vlans, 30)->clients, SL_LEASES_CLIENTS - 1);
	assert_int_equal(sl_leases_evicted(leases), SL_LEASES_CLIENTS + 1);
	/* The oldest went: those that came last are still known. */
	see(leases, 30, SL_DHCP_RANDOM | (2 * SL_LEASES_CLIENTS - 1), &(struct step){6, D});
	assert_int_equal(sl_leases_evicted(leases), SL_LEASES_CLIENTS + 1);
	sl_leases_close(leases);
}

static void the_vlan_longest_unheard_gives_way(void **state)
{
	struct sl_leases_vlan view[SL_LEASES_VLANS];
	struct sl_leases *leases;
	uint32_t vlans;

	assert_int_equal(sl_leases_open(&leases), 0);
	for (uint16_t vlan = 0; vlan < SL_LEASES_VLANS; vlan++)
		see(leases, vlan, MAKER, &(struct step){vlan, D});
	see(leases, 0, MAKER, &(struct step){20, D});
	see(leases, 99, MAKER, &(struct step){21, D});
	vlans = sl_leases_view(leases, ns(22), view);
	assert_int_equal(vlans, SL_LEASES_VLANS);
	assert_null(find(view, vlans, 1));
	assert_non_null(find(view, vlans, 0));
	assert_non_null(find(view, vlans, 99));
	assert_int_equal(sl_leases_evicted(leases), 1);
	sl_leases_close(leases);
}

static void made_up_servers_do_not_push_out_the_known_one(void **state)
{
	struct sl_leases_vlan view[SL_LEASES_VLANS];
	struct sl_leases *leases;

	assert_int_equal(sl_leases_open(&leases), 0);
	for (uint32_t i = 0; i < SL_LEASES_LEARN; i++)
		see(leases, 30, MAKER + i, &(struct step){0, R, SERVER});
	for (uint32_t i = 0; i < 100; i++)
		see(leases, 30, MAKER, &(struct step){1, R, OTHER + i});
	assert_int_equal(sl_leases_evicted(leases), 100 - (SL_LEASES_SERVERS - 1));
	see(leases, 30, MAKER, &(struct step){700, R, SERVER});
	assert_int_equal(sl_leases_view(leases, ns(701), view), 1);
	assert_int_equal(view[0].servers, 1);
	assert_int_equal(view[0].new_server, 0);
	sl_leases_close(leases);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, story);
#define TEST(name) sl_row_add(&tests, #name, name, NULL)
	TEST(phones_make_their_own_addresses);
	TEST(a_flood_costs_only_its_own_vlan);
	TEST(the_vlan_longest_unheard_gives_way);
	TEST(made_up_servers_do_not_push_out_the_known_one);
	return sl_row_run("leases", &tests);
}
