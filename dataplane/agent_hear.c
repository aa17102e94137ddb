/*
 * agent_hear.c - what the bus brings: commands, the watermark, connections
 */
#include <stdio.h>

#include "agent_private.h"
#include "log.h"

static void on_connected(void *arg)
{
	struct sl_agent *agent = arg;

	sl_log(SL_LOG_INFO, "redis", "state=connected");
	sl_agent_publish_policy(agent);
	sl_outbox_connected(&agent->outbox);
}

static void on_lost(void *arg, const char *why)
{
	sl_log(SL_LOG_WARN, "redis", "state=lost why=\"%s\"", why ? why : "");
}

static void acknowledge(struct sl_agent *agent, const struct sl_command *command,
			enum sl_ack_status status, const char *why)
{
	static struct sl_event event;

	event = (struct sl_event){.kind = SL_EVENT_ACK,
				  .ack = status,
				  .incident = command->incident};
	snprintf(event.command_id, sizeof(event.command_id), "%s", command->id);
	snprintf(event.service, sizeof(event.service), "%s", command->service);
	snprintf(event.to_uplink, sizeof(event.to_uplink), "%s", command->uplink);
	snprintf(event.text, sizeof(event.text), "%s", why);
	sl_agent_say(agent, &event);
}

static void on_command(void *arg, const struct sl_command *command, const char *id)
{
	struct sl_agent *agent = arg;
	const struct sl_apply_time now = {sl_agent_mono_ns(agent), sl_agent_unix_ns()};
	struct sl_apply_action action;
	char why[SL_TEXT_MAX] = "";

	sl_apply_position(&agent->apply, id);
	enum sl_ack_status status = sl_apply_command(&agent->apply, command, &now, &action, why);

	sl_log(SL_LOG_INFO, "command", "id=%s kind=%s service=%s answer=%s why=\"%s\"", command->id,
	       sl_command_word(command->kind), command->service, sl_ack_word(status), why);
	if (status == SL_ACK_APPLIED && action.remedy[0]) {
		if (command->move_live)
			sl_agent_excuse(agent, action.service, action.to);
		sl_agent_say_action(agent, &action, command->id);
	}
	acknowledge(agent, command, status, why);
	if (command->incident)
		sl_agent_recorder_freeze(agent, command->service, command->incident,
					 command->reason);
	if (agent->policies_said == agent->apply.policies)
		return;
	if (sl_agent_lay_out(agent))
		sl_log(SL_LOG_ERROR, "policy", "what=\"out of memory: measuring stands still\"");
	sl_agent_publish_policy(agent);
}

static void on_watermark(void *arg, uint64_t boot, uint64_t seq)
{
	struct sl_agent *agent = arg;

	sl_spool_ack(agent->spool, boot, seq);
	sl_outbox_pump(&agent->outbox);
}

static void on_malformed(void *arg, const char *key, const char *id, const char *why)
{
	sl_log(SL_LOG_WARN, "malformed", "key=%s id=%s why=\"%s\"", key, id ? id : "",
	       why ? why : "");
}

const struct sl_bus_handlers sl_agent_handlers = {
	.connected = on_connected,
	.lost = on_lost,
	.command = on_command,
	.watermark = on_watermark,
	.malformed = on_malformed,
};
