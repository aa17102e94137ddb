/*
 * completion.c - bash completion, from the table of verbs
 *
 * Words of services and uplinks are those of the site when Redis answers within half a
 * second, and none otherwise: a shell must not hang on a Tab.
 */
#include "session.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

static const char head[] =
	"# bash completion for storeline: storeline completion bash\n"
	"_storeline() {\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal verb= place=0 i words=\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n";

static const char middle[] =
	"\t\t-*) ;;\n"
	"\t\t=) ((i++)) ;;\n"
	"\t\t*) if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; else ((place++)); fi ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $before in\n"
	"\t--policy) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
	"\t--state) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n"
	"\tesac\n";

static const char names[] =
	"\tif [[ -z $words && $word != -* && $verb =~ ^(why|reroute|throttle|remark|restore)$ ]]; then\n"
	"\t\tlocal list=services\n"
	"\t\t[[ $verb == reroute && $place == 1 ]] && list=uplinks\n"
	"\t\t[[ $verb =~ ^(throttle|remark)$ && $place == 1 ]] && return\n"
	"\t\twords=$(storeline --timeout 500ms completion $list 2>/dev/null)\n"
	"\tfi\n"
	"\tif [[ $verb =~ ^(policy|memory)$ && $place == 1 && $before != revert ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	"}\n"
	"complete -o filenames -F _storeline storeline\n";

/* Options that swallow the word after them, so that it is not taken for the verb. */
static void values(FILE *to)
{
	const char *bar = "\t\t";

	for (size_t i = 0; i < sl_options_count; i++) {
		if (!sl_options[i].value[0])
			continue;
		fprintf(to, "%s%s", bar, sl_options[i].name);
		bar = " | ";
	}
	fputs(") ((i++)) ;;\n", to);
}

static void options(FILE *to, const struct sl_cli_verb *verb)
{
	for (size_t i = 0; i < sl_options_count; i++)
		if (!sl_options[i].bit || (verb && (sl_options[i].bit & verb->options)))
			fprintf(to, " %s", sl_options[i].name);
}

void sl_completion_write(FILE *to)
{
	fputs(head, to);
	values(to);
	fputs(middle, to);
	fputs("\tcase $verb:$word in\n\t:-*) words=\"", to);
	options(to, NULL);
	fputs("\" ;;\n\t:*) words=\"", to);
	for (size_t i = 0; i < sl_verbs_count; i++)
		fprintf(to, " %s", sl_verbs[i].name);
	fputs("\" ;;\n", to);
	for (size_t i = 0; i < sl_verbs_count; i++) {
		fprintf(to, "\t%s:-*) words=\"", sl_verbs[i].name);
		options(to, &sl_verbs[i]);
		fputs("\" ;;\n", to);
		if (sl_verbs[i].first[0])
			fprintf(to, "\t%s:*) ((place == 0)) && words=\"%s\" ;;\n", sl_verbs[i].name,
				sl_verbs[i].first);
	}
	fputs("\tesac\n", to);
	fputs(names, to);
}

static void put_names(const struct sl_telemetry *picture, bool services)
{
	if (services)
		for (uint32_t i = 0; i < picture->services; i++)
			puts(picture->service[i].name);
	else
		for (uint32_t i = 0; i < picture->uplinks; i++)
			puts(picture->uplink[i].name);
}

/* Those of the site at this moment, for the shell's Tab. */
static int site_names(struct sl_cli *cli, bool services)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	int code;

	if (!session)
		return SL_CLI_ERROR;
	code = sl_session_open(session, cli, &(struct sl_session_wants){.telemetry = true});
	if (!code)
		code = sl_session_picture(session);
	if (!code)
		put_names(&session->picture, services);
	sl_session_close(session);
	free(session);
	return code;
}

int sl_cli_completion(struct sl_cli *cli)
{
	const char *what = cli->word[0];

	if (!strcmp(what, "services") || !strcmp(what, "uplinks"))
		return site_names(cli, what[0] == 's');
	if (!strcmp(what, "bash"))
		sl_completion_write(stdout);
	else if (!strcmp(what, "man"))
		sl_manual_write(stdout);
	else
		return sl_cli_fail(SL_CLI_USAGE, "usage: storeline completion %s",
				   cli->verb->synopsis);
	return SL_CLI_OK;
}
