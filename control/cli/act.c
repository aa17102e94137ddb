/*
 * act.c - verbs that command the dataplane, and their acknowledgement
 */
#include "session.h"

#include "proto/bus.h"
#include "proto/policy.h"
#include "proto/policy_units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CLOCKS_MS 2000 /* the ack may bear an id a little older than our clock */

struct act {
	struct sl_command *command;
	bool answered;
	struct sl_event ack;
};

static void on_event(struct sl_session *session, const struct sl_event *event)
{
	struct act *act = session->arg;

	if (event->kind != SL_EVENT_ACK || strcmp(event->command_id, act->command->id) ||
	    act->answered)
		return;
	act->ack = *event;
	act->answered = true;
}

static bool answered(const struct sl_session *session)
{
	return ((const struct act *)session->arg)->answered;
}

static void envelope(const struct sl_cli *cli, struct sl_command *command)
{
	struct timespec now;
	uint64_t random = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	while (getrandom(&random, sizeof(random), 0) != sizeof(random))
		;
	snprintf(command->site, sizeof(command->site), "%s", cli->site);
	snprintf(command->id, sizeof(command->id), "cli-%016llx", (unsigned long long)random);
	snprintf(command->controller, sizeof(command->controller), "cli");
	command->issued_unix_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	command->expires_unix_ns = command->issued_unix_ns + cli->timeout_ms * UINT64_C(1000000);
}

static int code_of(const struct sl_event *ack, const struct sl_command *command)
{
	switch (ack->ack) {
	case SL_ACK_APPLIED:
	case SL_ACK_DUPLICATE:
		return SL_CLI_OK;
	case SL_ACK_REFUSED:
		if (!strncmp(ack->text, "unknown", 7))
			return SL_CLI_NOT_FOUND;
		return command->kind == SL_COMMAND_POLICY ? SL_CLI_USAGE : SL_CLI_REFUSED;
	case SL_ACK_HELD:
		return SL_CLI_REFUSED;
	default:
		return SL_CLI_TIMEOUT;
	}
}

static int tell(const struct sl_cli *cli, const struct act *act)
{
	int code = code_of(&act->ack, act->command);
	char *json;

	if (cli->json) {
		json = sl_wire_json_event(&act->ack);
		if (json)
			puts(json);
		free(json);
		return code;
	}
	if (code)
		return sl_cli_fail(code, "%s: %s", sl_ack_word(act->ack.ack), act->ack.text);
	printf("%s%s%s\n", sl_ack_word(act->ack.ack), act->ack.text[0] ? ": " : "", act->ack.text);
	return code;
}

static int send_and_wait(struct sl_session *session, struct act *act)
{
	int code = sl_session_connect(session), err;

	if (code)
		return code;
	envelope(session->cli, act->command);
	err = sl_bus_send_command(session->bus, act->command, NULL, NULL);
	if (err)
		return sl_cli_fail(SL_CLI_TIMEOUT, "the command could not be sent: %s",
				   strerror(-err));
	if (sl_session_run(session, answered, session->cli->timeout_ms))
		return tell(session->cli, act);
	return sl_cli_fail(
		SL_CLI_TIMEOUT,
		"no dataplane of site %s answered within %.1f s; the command has expired",
		session->cli->site, session->cli->timeout_ms / 1e3);
}

int sl_act(struct sl_cli *cli, struct sl_command *command)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct act act = {.command = command};
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	session->arg = &act;
	session->on_event = on_event;
	code = sl_session_open(session, cli,
			       &(struct sl_session_wants){.events = true, .past_ms = CLOCKS_MS});
	if (!code)
		code = send_and_wait(session, &act);
	sl_session_close(session);
	free(session);
	return code;
}

/* Look the names up first: a clear answer, also while the dataplane is away. */
static int check_names(struct sl_cli *cli, const char *service, const char *uplink)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct sl_policy *policy = NULL;
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = sl_session_open(session, cli, &(struct sl_session_wants){0});
	if (!code)
		policy = sl_session_read_policy(session, &code);
	if (policy && service && sl_policy_service_index(policy, service) < 0)
		code = sl_cli_fail(SL_CLI_NOT_FOUND, "no service %s at %s", service, cli->site);
	else if (policy && uplink && sl_policy_uplink_index(policy, uplink) < 0)
		code = sl_cli_fail(SL_CLI_NOT_FOUND, "no uplink %s at %s", uplink, cli->site);
	free(policy);
	sl_session_close(session);
	free(session);
	return code;
}

/* What a verb asks for; the rest of the command is the command line's. */
struct wish {
	enum sl_command_kind kind;
	const char *service, *uplink; /* NULL = none */
	uint64_t limit_bps;
	uint32_t packet_bytes;
	const char *dscp; /* NULL = none */
};

static void fill(struct sl_command *command, const struct sl_cli *cli, const struct wish *wish)
{
	command->kind = wish->kind;
	if (wish->service)
		snprintf(command->service, SL_NAME_MAX, "%s", wish->service);
	if (wish->uplink)
		snprintf(command->uplink, SL_NAME_MAX, "%s", wish->uplink);
	command->share_ppm = wish->kind == SL_COMMAND_REROUTE ? cli->share_ppm : 0;
	command->move_live = cli->live;
	command->limit_bps = wish->limit_bps;
	command->packet_bytes = wish->packet_bytes;
	snprintf(command->dscp, sizeof(command->dscp), "%s", wish->dscp ? wish->dscp : "");
	command->hold_ms = cli->hold_ms;
	snprintf(command->reason, sizeof(command->reason), "a person's word");
}

/* Verbs that are for one service, or with no name for all. */
static const char *named(const struct sl_cli *cli)
{
	return cli->words ? cli->word[0] : NULL;
}

static int act_on(struct sl_cli *cli, const struct wish *wish)
{
	struct sl_command *command;
	int code = 0;

	if (wish->service || wish->uplink)
		code = check_names(cli, wish->service, wish->uplink);
	if (code)
		return code;
	command = calloc(1, sizeof(*command));
	if (!command)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	fill(command, cli, wish);
	code = sl_act(cli, command);
	free(command);
	return code;
}

int sl_cli_reroute(struct sl_cli *cli)
{
	return act_on(cli,
		      &(struct wish){SL_COMMAND_REROUTE, cli->word[0], .uplink = cli->word[1]});
}

int sl_cli_throttle(struct sl_cli *cli)
{
	uint64_t bps;

	if (!sl_words_rate(cli->word[1], &bps))
		return sl_cli_fail(SL_CLI_USAGE, "%s: not a rate like 2mbit, 500kbit or off",
				   cli->word[1]);
	return act_on(cli, &(struct wish){SL_COMMAND_THROTTLE, cli->word[0], .limit_bps = bps});
}

/* An uplink's: no service is named. */
int sl_cli_clamp(struct sl_cli *cli)
{
	uint32_t bytes = 0;
	char *end = NULL;

	if (strcmp(cli->word[1], "off") != 0)
		bytes = (uint32_t)strtoul(cli->word[1], &end, 10);
	if (end && (*end || bytes < 576 || bytes > UINT16_MAX))
		return sl_cli_fail(SL_CLI_USAGE,
				   "%s: not bytes of an IP packet, 576 to 65535, or off",
				   cli->word[1]);
	return act_on(cli, &(struct wish){SL_COMMAND_CLAMP, .uplink = cli->word[0],
					  .packet_bytes = bytes});
}

int sl_cli_remark(struct sl_cli *cli)
{
	bool off = !strcmp(cli->word[1], "off");
	char name[SL_UNITS_TEXT_MAX];
	uint8_t dscp = 0;

	if (!off && !sl_units_read_dscp(cli->word[1], &dscp))
		return sl_cli_fail(SL_CLI_USAGE,
				   "%s: not a DSCP: le, ef, va, cs0 to cs7, af11 to af43, a number "
				   "of 0 to 63, or off",
				   cli->word[1]);
	return act_on(cli, &(struct wish){SL_COMMAND_REMARK, cli->word[0],
					  .dscp = off ? "" : sl_units_write_dscp(dscp, name)});
}

int sl_cli_restore(struct sl_cli *cli)
{
	return act_on(cli, &(struct wish){SL_COMMAND_RESTORE, named(cli)});
}

int sl_cli_freeze(struct sl_cli *cli)
{
	return act_on(cli, &(struct wish){SL_COMMAND_FREEZE, named(cli)});
}

int sl_cli_bypass(struct sl_cli *cli)
{
	return act_on(cli, &(struct wish){SL_COMMAND_BYPASS, named(cli)});
}

int sl_cli_resume(struct sl_cli *cli)
{
	return act_on(cli, &(struct wish){SL_COMMAND_RESUME, named(cli)});
}
