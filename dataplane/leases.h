/*
 * leases.h - does a VLAN's DHCP give addresses, and who gives them
 *
 * Certain to reach this box is only what clients broadcast (RFC 2131 4.1, 4.4): so that nobody
 * offered anything is seen by a client that says DISCOVER again and again and no REQUEST.  A
 * server is known by the identifier that REQUESTs, OFFERs and the like name; those of the first
 * SL_LEASES_LEARN clients, or of the first hour, are the VLAN's own, any other is new.
 *
 * Bounded: the VLAN with the most clients gives its oldest for a new one, so a flood of made-up
 * MAC addresses costs nobody else; each that goes before its time is counted.  Times are
 * nanoseconds of one clock that never goes back.  One thread.
 */
#ifndef SL_LEASES_H
#define SL_LEASES_H

#include "dhcp.h"

#define SL_LEASES_VLANS 16
#ifndef SL_LEASES_CLIENTS
#define SL_LEASES_CLIENTS 4096 /* of all VLANs; a power of 2 */
#endif
#define SL_LEASES_SERVERS 8 /* of one VLAN */
#define SL_LEASES_LEARN   16

#define SL_LEASES_SECOND_NS UINT64_C(1000000000)
#define SL_LEASES_WINDOW_NS (600 * SL_LEASES_SECOND_NS) /* what is counted is of so long */
#define SL_LEASES_NOW_NS    (300 * SL_LEASES_SECOND_NS) /* the longest pause of a client that tries */
#define SL_LEASES_TRIES     3                           /* DISCOVERs ... */
#define SL_LEASES_TRIED_NS  (4 * SL_LEASES_SECOND_NS)   /* ... over so long are unanswered */
#define SL_LEASES_NAKS      3                           /* one is usual: a client from elsewhere */
#define SL_LEASES_LEARN_NS  (3600 * SL_LEASES_SECOND_NS)
#define SL_LEASES_ACCEPT_NS (86400 * SL_LEASES_SECOND_NS)     /* a new server is no news then */
#define SL_LEASES_FORGET_NS (7 * 86400 * SL_LEASES_SECOND_NS) /* and one unheard for so long is */

/* One VLAN, over SL_LEASES_WINDOW_NS. */
struct sl_leases_vlan {
	uint16_t vlan;            /* 0 = untagged */
	uint32_t clients, random; /* heard; of them, with a MAC address of their own making */
	uint32_t asking;          /* said DISCOVER */
	uint32_t unanswered;      /* and are saying it in vain now */
	uint32_t refused;         /* told NAK again and again */
	uint32_t discovers, naks; /* messages */
	uint32_t servers;         /* heard of */
	uint32_t new_server;      /* IPv4 address of the last one that is new; 0 = none */
};

struct sl_leases;

/* 0 or -ENOMEM. */
int sl_leases_open(struct sl_leases **out);
void sl_leases_close(struct sl_leases *leases); /* NULL is fine */

/* @message was seen on @vlan. */
void sl_leases_take(struct sl_leases *leases, uint16_t vlan, const struct sl_dhcp_message *message,
		    uint64_t now_ns);

/* The VLANs that were heard of within the window.  How many. */
uint32_t sl_leases_view(struct sl_leases *leases, uint64_t now_ns,
			struct sl_leases_vlan out[SL_LEASES_VLANS]);

/* Clients, servers and VLANs forgotten before their time, for room. */
uint64_t sl_leases_evicted(const struct sl_leases *leases);

#endif
