/*
 * status.c - storeline status: one picture
 */
#include "print.h"
#include "session.h"

#include <stdlib.h>

static int show(const struct sl_session *session)
{
	char *json;

	if (!session->cli->json) {
		sl_print_picture(stdout, &session->picture, sl_print_colour(stdout));
	} else {
		json = sl_wire_json_telemetry(&session->picture);
		if (!json)
			return sl_cli_fail(SL_CLI_ERROR, "out of memory");
		puts(json);
		free(json);
	}
	return sl_print_unhealthy(&session->picture) ? SL_CLI_UNHEALTHY : SL_CLI_OK;
}

int sl_cli_status(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = sl_session_open(session, cli, &(struct sl_session_wants){.telemetry = true});
	if (!code)
		code = sl_session_picture(session);
	if (!code)
		code = show(session);
	sl_session_close(session);
	free(session);
	return code;
}
