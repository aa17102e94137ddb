/*
 * main.c - storeline: from the words to the verb
 */
#include "verbs.h"

int main(int argc, char **argv)
{
	const struct sl_cli_verb *verb;
	const char *name;
	struct sl_cli cli;
	int code = sl_words_split(&cli, &name, argc, argv);

	if (code)
		return code;
	if (!name) {
		sl_verbs_help(cli.help ? stdout : stderr);
		return cli.help ? SL_CLI_OK : SL_CLI_USAGE;
	}
	verb = sl_verbs_find(name);
	if (!verb)
		return sl_cli_fail(SL_CLI_USAGE, "unknown verb %s (see storeline --help)", name);
	cli.verb = verb;
	if (cli.help) {
		sl_verbs_help_one(stdout, verb);
		return SL_CLI_OK;
	}
	code = sl_verbs_check(&cli, verb);
	return code ? code : verb->run(&cli);
}
