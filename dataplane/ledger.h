/*
 * ledger.h - what the dataplane must still know after a kill: which commands it obeyed
 *
 * One small file in the state directory, replaced whole, guarded by a CRC.  It is
 * written before a command is acknowledged, so a command delivered again is told
 * from a new one.  A command is noted as begun, with the very words it will
 * store, before it is obeyed: killed in between, it is finished with the same
 * words, not applied on top of itself.  When the disk refuses, memory goes on.
 */
#ifndef SL_LEDGER_H
#define SL_LEDGER_H

#include "fastpath/tables.h"
#include "proto/wire.h"

#define SL_LEDGER_IDS          256
#define SL_LEDGER_POSITION_MAX 48 /* id of a stream entry */

/* What is set for a service, beside the knobs themselves. */
struct sl_ledger_service {
	char name[SL_NAME_MAX];
	char cause[SL_ID_MAX];   /* who moved it; "" = the policy */
	uint64_t limit_bps;      /* 0 = none */
	uint64_t steer_until_ns; /* monotonic; 0 = stays */
	uint64_t rate_until_ns;
	char remark_cause[SL_ID_MAX]; /* who set its DSCP; "" = the policy */
	uint64_t remark_until_ns;
};

/* What is set for an uplink: how large its new connections' packets may be. */
struct sl_ledger_uplink {
	char name[SL_NAME_MAX];  /* "" = nothing is set */
	char cause[SL_ID_MAX];   /* who set it */
	uint64_t clamp_until_ns; /* monotonic; 0 = stays */
};

/* A command under way. */
struct sl_ledger_begun {
	char id[SL_ID_MAX]; /* "" = none */
	uint8_t service;
	struct sl_steer steer;
	struct sl_rate rate;
};

struct sl_ledger_data {
	char id[SL_LEDGER_IDS][SL_ID_MAX]; /* obeyed; a ring */
	uint32_t next;
	uint64_t term; /* highest seen */
	char position
		[SL_LEDGER_POSITION_MAX]; /* last entry of the command stream that was dealt with */
	bool frozen;
	bool bypassed;
	uint64_t policy_version;
	uint32_t file_crc; /* of the --policy file that the standing policy came from or replaced */
	struct sl_ledger_begun begun;
	struct sl_ledger_service service[SL_SERVICES_MAX];
	struct sl_ledger_uplink uplink[SL_UPLINKS_MAX];
};

struct sl_ledger {
	const char *dir;
	uint64_t failures; /* writes that the disk refused */
	struct sl_ledger_data data;
};

/* Read it from @dir (kept by reference).  What is not there or not whole starts empty; false then. */
bool sl_ledger_open(struct sl_ledger *ledger, const char *dir);

/* To disk.  0, or -errno: counted, and memory stands. */
int sl_ledger_save(struct sl_ledger *ledger);

bool sl_ledger_obeyed(const struct sl_ledger *ledger, const char *id);
void sl_ledger_obey(struct sl_ledger *ledger, const char *id);

/* The entry of service @name, made when there is none; NULL when all are in use by others. */
struct sl_ledger_service *sl_ledger_service(struct sl_ledger *ledger, const char *name);

/* The same of uplink @name. */
struct sl_ledger_uplink *sl_ledger_uplink(struct sl_ledger *ledger, const char *name);

#endif
