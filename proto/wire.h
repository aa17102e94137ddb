/*
 * wire.h - what Storeline's processes say to each other, as plain structs
 *
 * storeline.proto is the open API; this header is the same in C: fixed sizes, no
 * pointers, no allocation, so a message can be kept, copied and compared.  Bytes
 * become structs only here (wire.c, the only user of protobuf-c), with limits on
 * size, counts and text; what breaks a limit is refused whole, with the reason.
 *
 * Times: *_unix_ns are wall clock, for people; nothing is decided by them but the
 * expiry of a command.  An event is identified by (source, boot, seq).
 */
#ifndef SL_WIRE_H
#define SL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_WIRE_VERSION      1
#define SL_NAME_MAX          32  /* site, service, uplink, with the NUL */
#define SL_TEXT_MAX          256 /* a reason in plain words */
#define SL_ID_MAX            40  /* a command's id */
#define SL_WIRE_PATHS_MAX    64
#define SL_WIRE_UPLINKS_MAX  4
#define SL_WIRE_SERVICES_MAX 16
#define SL_WIRE_COUNTERS_MAX 96
#define SL_WIRE_VLANS_MAX    16           /* with DHCP */
#define SL_WIRE_KINDS_MAX    64           /* of unclaimed traffic */
#define SL_WIRE_INPUTS_MAX   12           /* of a decision */
#define SL_WIRE_OPTIONS_MAX  12           /* of a decision */
#define SL_WIRE_STEPS_MAX    24           /* of an incident */
#define SL_WIRE_MEMORIES_MAX 256          /* of a site */
#define SL_WHY_MAX           120          /* a short reason */
#define SL_PRINT_MAX         96           /* a fingerprint */
#define SL_HOST_MAX          256          /* a host name */
#define SL_APP_NAME_MAX      64           /* an application */
#define SL_WIRE_BYTES_MAX    (256 * 1024) /* a message larger than this is refused */
#define SL_POLICY_BYTES_MAX  (64 * 1024)  /* the YAML of a policy */

enum sl_health {
	SL_HEALTH_UNKNOWN, /* never measured since start */
	SL_HEALTH_GOOD,
	SL_HEALTH_DEGRADED, /* brownout */
	SL_HEALTH_DOWN,     /* blackout */
	SL_HEALTH_IDLE,     /* no traffic to judge by */
	SL_HEALTH_BLIND,    /* traffic, but too few samples to judge by */
	SL_HEALTH_COUNT
};

enum sl_mode { SL_MODE_OBSERVE, SL_MODE_SHADOW, SL_MODE_ENFORCE, SL_MODE_COUNT };

enum sl_verdict {
	SL_VERDICT_UNKNOWN,
	SL_VERDICT_LAN,
	SL_VERDICT_UPLINK,
	SL_VERDICT_DESTINATION,
	SL_VERDICT_DNS,
	SL_VERDICT_SELF,
	SL_VERDICT_COUNT
};

/* Times of one leg over a window by one method; methods are never mixed. */
struct sl_latency_report {
	char method[12]; /* "seq", "quic", "dns", "think", ... (storeline.proto); "" = no sample */
	uint32_t samples;
	uint32_t above_slo; /* samples above the SLO's latency (WAN leg) */
	uint32_t p50_us, p95_us, max_us;
};

#define SL_LATENCY_BOUNDS 12

/* The longest time of each count of a sl_latency_totals, but for the last, which has none. */
extern const uint32_t sl_latency_bound_us[SL_LATENCY_BOUNDS];

/* Round trips since the dataplane began to count; what is in a count is in no other. */
struct sl_latency_totals {
	uint64_t count[SL_LATENCY_BOUNDS + 1];
	uint64_t sum_us;
};

/* Loss of one direction over a window (MEASUREMENT.md 1). */
struct sl_loss_report {
	uint32_t segments;
	uint32_t lost_after, lost_before, spurious, reordered, capture_miss;
	uint32_t duplicates; /* passed twice, not lost */
};

/* RTP of one direction over a window: lost before this box = expected - packets. */
struct sl_media_report {
	uint32_t packets, expected;
	uint32_t jitter_us; /* interarrival jitter, mean over the packets */
};

/* One path over a window.  [0] of a pair: LAN (leg; sender), [1]: WAN. */
struct sl_path_report {
	char service[SL_NAME_MAX];
	char uplink[SL_NAME_MAX];
	enum sl_health state;
	char reason[SL_TEXT_MAX]; /* why this state: the measure, its value, its limit */
	uint32_t window_ms;
	struct sl_latency_report rtt[2]; /* spin bit and DNS only for want of another method */
	struct sl_loss_report loss[2];
	uint32_t packets[2];
	uint64_t bytes[2];
	uint32_t flows_new, flows_full;
	uint32_t attempts, attempts_repeated, established, refused, resets;
	uint32_t demand, progress, stalls, stall_repeats; /* from the LAN side */
	uint32_t silent_ms;    /* since the last progress while demand stands; 0 = none stands */
	uint32_t coverage_ppm; /* share of packets that were measured in a flow */
	uint32_t meter_dropped;
	/* Of the leg where the servers are: the one with more samples. */
	struct sl_latency_report dns, think, transaction;
	struct sl_media_report media[2];
	/* DNS, each try; what went unanswered may have been asked before the window. */
	uint32_t queries, queries_failed, queries_unanswered;
	uint32_t hellos, hellos_unanswered; /* TLS and QUIC */
	/* Of the last 8 or 20 s, where requests are usually answered. */
	uint32_t requests, requests_unanswered;
	/* Not believed, and no health is judged by them; bogus: their sum. */
	uint32_t bogus_acks, bogus_seqs, bogus_echoes, bogus_icmp, bogus, bogus_answers;
	bool has_rtt_wan_totals; /* in pictures, of critical services */
	struct sl_latency_totals rtt_wan_totals;
	/* Large TCP segments where small ones pass, by sender: an MTU black hole. */
	uint32_t large_stuck[2];  /* sent again and again, or missing for a second and more */
	uint32_t large_passed[2]; /* that were stuck, and passed after all */
	uint32_t remarked;        /* packets that left for the WAN with another DSCP */
	/* Connections that asked after a rest, and were reset or had to repeat it; how long they rested. */
	uint32_t idle_unanswered, idle_ms;
};

struct sl_uplink_report {
	char name[SL_NAME_MAX];
	enum sl_health state; /* liveness over all its services: good, down, idle */
	char reason[SL_TEXT_MAX];
	uint64_t rate_bps[2]; /* by sender: [0] towards the WAN, [1] from it */
	uint64_t capacity_bps;
	uint32_t silent_ms;
	uint32_t clamp_bytes;  /* an IP packet of its new TCP connections; 0 = as they like */
	char cause[SL_ID_MAX]; /* command id that set this */
};

#define SL_DSCP_MAX 8 /* a DSCP as policy_units.h writes it: "AF41", "45" */

/* What is set for a service at this moment. */
struct sl_service_report {
	char name[SL_NAME_MAX];
	char uplink[SL_NAME_MAX];       /* where its new flows go */
	char trial_uplink[SL_NAME_MAX]; /* "" = no trial */
	uint32_t trial_share_ppm;
	uint64_t limit_bps[2];  /* by sender; 0 = no limit */
	bool rerouted;          /* not on the policy's first uplink */
	char cause[SL_ID_MAX];  /* command id that set this, "fast-reroute", or "" = the policy */
	char dscp[SL_DSCP_MAX]; /* of its packets towards the WAN; "" = as they come */
	char dscp_cause[SL_ID_MAX]; /* command id that set it, or "" = the policy */
};

/* DHCP on one VLAN over the last 10 minutes. */
struct sl_dhcp_report {
	uint32_t vlan;                        /* 0 = untagged */
	uint32_t clients, clients_randomised; /* heard; of them, with a MAC of their own making */
	uint32_t clients_asking;              /* of them, looking for a server */
	uint32_t clients_unanswered;          /* of them, in vain */
	uint32_t clients_refused;             /* told NAK again and again */
	uint32_t discovers, naks;             /* messages */
	uint32_t servers;                     /* heard of */
	char new_server[16];                  /* the last that was not there before; "" = none */
};

struct sl_counter {
	char name[SL_NAME_MAX];
	uint64_t value;
};

/* The whole picture of a site, each 100 ms on `live`; lossy by design. */
struct sl_telemetry {
	char site[SL_NAME_MAX];
	uint64_t boot;
	uint64_t version; /* counts the pictures of this boot */
	uint64_t at_unix_ns;
	uint64_t event_seq; /* last event made; a gap to what you hold = events you miss */
	enum sl_mode mode;
	uint64_t policy_version;
	uint32_t tables_generation;
	bool frozen, bypassed;
	uint32_t paths, uplinks, services, counters, dhcp;
	struct sl_path_report path[SL_WIRE_PATHS_MAX];
	struct sl_uplink_report uplink[SL_WIRE_UPLINKS_MAX];
	struct sl_service_report service[SL_WIRE_SERVICES_MAX];
	struct sl_counter counter[SL_WIRE_COUNTERS_MAX];
	struct sl_dhcp_report dhcp_vlan[SL_WIRE_VLANS_MAX];
};

/* A kind of traffic that no service claims, by what its servers are. */
struct sl_unclaimed_entry {
	char name[SL_HOST_MAX];    /* of the server; "" = not known */
	char name_source[12];      /* "tls", "quic", "http", "dns"; "" = no name */
	char address[46];          /* of the server, or of the last one that has the name */
	char app[SL_APP_NAME_MAX]; /* as nDPI calls it; "" = not known */
	uint32_t port;             /* of the server; 0 = the protocol has none */
	char proto[12];            /* "tcp", "udp", ..., else a number */
	uint64_t flows;            /* new flows since the dataplane's start, at most so many */
	uint64_t first_bytes;      /* payload in their first packets, not in all of them */
	uint64_t last_unix_ns;
	uint64_t flows_over; /* at least .flows - .flows_over: it took a rarer kind's place */
};

/* The busiest traffic that no service claims, each 10 s. */
struct sl_unclaimed_report {
	char site[SL_NAME_MAX];
	uint64_t at_unix_ns;
	uint32_t entries;
	struct sl_unclaimed_entry entry[SL_WIRE_KINDS_MAX];
};

enum sl_event_kind {
	SL_EVENT_NONE,
	SL_EVENT_STARTED,      /* dataplane or control came up; text says how */
	SL_EVENT_STATE_CHANGE, /* path or uplink changed health */
	SL_EVENT_ACTION,       /* something was changed in the traffic (fast reroute, command) */
	SL_EVENT_ACK,          /* what became of a command */
	SL_EVENT_DECISION,     /* control: what it decided and why, also when it held back */
	SL_EVENT_GAP,          /* events that did not fit the spool: count in `lost` */
	SL_EVENT_KIND_COUNT
};

enum sl_ack_status {
	SL_ACK_NONE,
	SL_ACK_APPLIED,
	SL_ACK_DUPLICATE, /* had been applied before; nothing was done again */
	SL_ACK_REFUSED,   /* not valid here: reason says why */
	SL_ACK_EXPIRED,
	SL_ACK_HELD, /* frozen, or a guardrail of the dataplane */
	SL_ACK_COUNT
};

/* A number that a decision rests on. */
struct sl_decision_input {
	char name[SL_NAME_MAX]; /* with its unit: rtt_wan_p95_us, loss_wan_ppm, ... */
	uint64_t value;
	uint64_t limit; /* what it is held against; 0 = nothing */
	uint64_t usual; /* in good times; 0 = not known */
	uint32_t samples;
};

/* A remedy that a decision weighed. */
struct sl_decision_option {
	char remedy[SL_NAME_MAX];
	char target[SL_NAME_MAX]; /* the uplink to go to, or the service to limit; "" = none */
	bool chosen;
	char why[SL_WHY_MAX]; /* chosen, or rejected */
};

/* How a decision came about. */
struct sl_decision {
	char located[SL_TEXT_MAX];      /* what the verdict rests on */
	char guardrail[SL_TEXT_MAX];    /* what held an action back; "" = nothing did */
	char fingerprint[SL_PRINT_MAX]; /* of the incident; "" = none */
	char remembered[SL_TEXT_MAX];   /* what memory said of it; "" = nothing */
	uint32_t inputs, options;
	struct sl_decision_input input[SL_WIRE_INPUTS_MAX];
	struct sl_decision_option option[SL_WIRE_OPTIONS_MAX];
};

/* One event.  Only the fields of its kind are set. */
struct sl_event {
	char site[SL_NAME_MAX];
	char source[SL_NAME_MAX]; /* "dataplane", "control" */
	uint64_t boot; /* of the source; random per life of its spool, kept over restarts */
	uint64_t seq;  /* contiguous from 1 within (source, boot) */
	uint64_t at_unix_ns;
	uint64_t at_mono_ns; /* the source's monotonic clock, to measure times between events */
	enum sl_event_kind kind;
	char service[SL_NAME_MAX]; /* "" = the uplink as a whole */
	char uplink[SL_NAME_MAX];
	char to_uplink[SL_NAME_MAX];  /* ACTION, DECISION: where to */
	enum sl_health before, after; /* STATE_CHANGE */
	enum sl_verdict verdict;      /* DECISION */
	char remedy
		[SL_NAME_MAX]; /* ACTION, DECISION: reroute, throttle, restore, notify, hold, freeze, ... */
	uint64_t limit_bps;         /* throttle */
	enum sl_ack_status ack;     /* ACK */
	char command_id[SL_ID_MAX]; /* ACK, ACTION, DECISION */
	uint64_t incident;          /* ACTION, DECISION: number of the incident, 0 = none */
	uint64_t lost;              /* GAP */
	char text[SL_TEXT_MAX];     /* in plain words, with the numbers */
	struct sl_path_report path; /* STATE_CHANGE of a path: the window it was judged on */
	bool has_path;
	struct sl_decision decision; /* DECISION of control */
	bool has_decision;
};

enum sl_outcome {
	SL_OUTCOME_NONE,   /* not known yet */
	SL_OUTCOME_HELPED, /* the SLO was kept after the remedy, with samples */
	SL_OUTCOME_UNDONE, /* the remedy did not help, and was taken back */
	SL_OUTCOME_HELD,   /* nothing was done, on purpose */
	SL_OUTCOME_PASSED, /* over before anything was proved */
	SL_OUTCOME_COUNT
};

/* What was done in an incident, and what was seen. */
struct sl_incident_step {
	uint64_t at_unix_ns;
	char remedy[SL_NAME_MAX]; /* reroute, throttle, restore, hold, notify, proved, ... */
	char target[SL_NAME_MAX]; /* uplink or service; "" = none */
	char text[SL_TEXT_MAX];
};

/* An episode of a service: bad paths, what was done, how it ended. */
struct sl_incident {
	char site[SL_NAME_MAX];
	uint64_t id;
	char service[SL_NAME_MAX];
	char uplink[SL_NAME_MAX]; /* where it was bad first */
	enum sl_verdict verdict;
	char located[SL_TEXT_MAX]; /* what the verdict rests on */
	char fingerprint[SL_PRINT_MAX];
	char remedy[SL_NAME_MAX]; /* the last that was tried; "" = none */
	char target[SL_NAME_MAX]; /* of the remedy */
	enum sl_outcome outcome;
	uint64_t first_bad_unix_ns; /* the first bad picture */
	uint64_t opened_unix_ns;
	uint64_t acted_unix_ns;  /* the first action in the traffic; 0 = none */
	uint64_t proved_unix_ns; /* the SLO was kept again; 0 = not yet */
	uint64_t closed_unix_ns; /* 0 = open */
	char text[SL_TEXT_MAX];
	struct sl_path_report path; /* the window it was opened on */
	bool has_path;
	uint32_t steps; /* the first 8 and the last 16 */
	struct sl_incident_step step[SL_WIRE_STEPS_MAX];
};

/* How one remedy did against one kind of incident. */
struct sl_memory_entry {
	char fingerprint[SL_PRINT_MAX];
	char remedy[SL_NAME_MAX];
	char target[SL_NAME_MAX]; /* kind of uplink gone to; "" = none */
	uint32_t helped, failed;
	uint32_t repair_ms; /* mean, from the first bad picture to the proof */
	uint64_t last_unix_ns;
};

/* What a site has learnt. */
struct sl_memory_report {
	char site[SL_NAME_MAX];
	uint64_t at_unix_ns;
	uint32_t entries;
	struct sl_memory_entry entry[SL_WIRE_MEMORIES_MAX];
};

enum sl_command_kind {
	SL_COMMAND_NONE,
	SL_COMMAND_REROUTE, /* service to uplink (share_ppm of new flows; live: move live flows too) */
	SL_COMMAND_THROTTLE, /* service to limit_bps; 0 lifts it */
	SL_COMMAND_RESTORE,  /* service back to what the policy says, limit lifted */
	SL_COMMAND_FREEZE,
	SL_COMMAND_BYPASS,
	SL_COMMAND_RESUME,
	SL_COMMAND_POLICY,   /* apply `policy` (YAML) */
	SL_COMMAND_ROLLBACK, /* back to the previous policy, or to the earlier one in `policy` */
	SL_COMMAND_CLAMP,    /* uplink to packet_bytes; 0 lifts it */
	SL_COMMAND_REMARK,   /* service to dscp; "" = as the policy says */
	SL_COMMAND_KIND_COUNT
};

/*
 * A command to the dataplane: desired state, so repeating it is harmless; its id
 * makes sure that it is not applied twice.
 */
struct sl_command {
	char site[SL_NAME_MAX];
	char id[SL_ID_MAX];           /* unique: CONTROLLER-TERM-COUNTER or cli-RANDOM */
	char controller[SL_NAME_MAX]; /* who commands: "control", "cli" */
	uint64_t term; /* of the controller; a lower one than seen is refused; 0 = a person */
	uint64_t issued_unix_ns;
	uint64_t expires_unix_ns; /* not applied after this */
	enum sl_command_kind kind;
	char service[SL_NAME_MAX];
	char uplink[SL_NAME_MAX];
	uint32_t share_ppm; /* REROUTE: 1000000 = all new flows */
	bool move_live;     /* REROUTE */
	uint64_t limit_bps; /* THROTTLE, both directions */
	uint32_t hold_ms;   /* the setting ends by itself after this; 0 = stays */
	uint64_t incident;
	char reason[SL_TEXT_MAX];
	char policy[SL_POLICY_BYTES_MAX]; /* POLICY, ROLLBACK: YAML */
	uint32_t packet_bytes;   /* CLAMP: what an IP packet of a new TCP connection may have */
	char dscp[SL_DSCP_MAX];  /* REMARK: by name or number (policy_units.h) */
	uint64_t policy_version; /* ROLLBACK: only while this one stands; 0 = whichever does */
};

/*
 * To bytes.  Returns the length, or -EMSGSIZE when @size is too small (nothing is
 * written past it).
 */
long sl_wire_pack_telemetry(const struct sl_telemetry *from, uint8_t *bytes, size_t size);
long sl_wire_pack_event(const struct sl_event *from, uint8_t *bytes, size_t size);
long sl_wire_pack_command(const struct sl_command *from, uint8_t *bytes, size_t size);
long sl_wire_pack_unclaimed(const struct sl_unclaimed_report *from, uint8_t *bytes, size_t size);
long sl_wire_pack_incident(const struct sl_incident *from, uint8_t *bytes, size_t size);
long sl_wire_pack_memory(const struct sl_memory_report *from, uint8_t *bytes, size_t size);

/*
 * From bytes nobody vouches for.  0; or -EPROTO, *@to untouched, and @why (may be
 * NULL, else SL_TEXT_MAX bytes) says which field broke which limit.
 */
int sl_wire_unpack_telemetry(struct sl_telemetry *to, const uint8_t *bytes, size_t size, char *why);
int sl_wire_unpack_event(struct sl_event *to, const uint8_t *bytes, size_t size, char *why);
int sl_wire_unpack_command(struct sl_command *to, const uint8_t *bytes, size_t size, char *why);
int sl_wire_unpack_unclaimed(struct sl_unclaimed_report *to, const uint8_t *bytes, size_t size,
			     char *why);
int sl_wire_unpack_incident(struct sl_incident *to, const uint8_t *bytes, size_t size, char *why);
int sl_wire_unpack_memory(struct sl_memory_report *to, const uint8_t *bytes, size_t size,
			  char *why);

/*
 * The same as one line of JSON (no newline), keys and enum words as in
 * storeline.proto, for dashboards and --json.  The string is the caller's to
 * free(); NULL when out of memory.
 */
char *sl_wire_json_telemetry(const struct sl_telemetry *from);
char *sl_wire_json_event(const struct sl_event *from);
char *sl_wire_json_command(const struct sl_command *from);
char *sl_wire_json_unclaimed(const struct sl_unclaimed_report *from);
char *sl_wire_json_incident(const struct sl_incident *from);
char *sl_wire_json_memory(const struct sl_memory_report *from);

/* *@to = *@from, but for the parts of the lists that hold nothing: those are left as they are. */
void sl_wire_copy_telemetry(struct sl_telemetry *to, const struct sl_telemetry *from);

/* The words of the enums, lower case as in DESIGN.md ("good", "reroute"); "?" out of range. */
const char *sl_health_word(enum sl_health health);
const char *sl_mode_word(enum sl_mode mode);
const char *sl_verdict_word(enum sl_verdict verdict);
const char *sl_event_kind_word(enum sl_event_kind kind);
const char *sl_ack_word(enum sl_ack_status status);
const char *sl_command_word(enum sl_command_kind kind);
const char *sl_outcome_word(enum sl_outcome outcome);

#endif
