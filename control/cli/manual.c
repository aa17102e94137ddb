/*
 * manual.c - storeline(1) in mdoc(7): the verbs from their table, the rest written here
 */
#include "verbs.h"

#include <ctype.h>
#include <string.h>

static const char head[] =
	".Dd November 25, 2026\n"
	".Dt STORELINE 1\n"
	".Os\n"
	".Sh NAME\n"
	".Nm storeline\n"
	".Nd what a store's services get from its uplinks, and what is done about it\n"
	".Sh SYNOPSIS\n"
	".Nm\n"
	".Op Ar options\n"
	".Ar verb\n"
	".Op Ar word ...\n"
	".Sh DESCRIPTION\n"
	".Nm\n"
	"talks with the\n"
	".Xr storeline-dataplane 8\n"
	"and the\n"
	".Xr storeline-control 8\n"
	"of a site over its Redis.\n"
	"It measures nothing and decides nothing itself.\n"
	"Options may stand anywhere on the line.\n"
	"Data goes to standard output, talk to standard error.\n"
	".Pp\n"
	"A service on an uplink is\n"
	".Em good ,\n"
	".Em degraded\n"
	"(it breaks its SLO, a brownout),\n"
	".Em down\n"
	"(a blackout),\n"
	".Em idle\n"
	"(no traffic to judge by) or\n"
	".Em blind\n"
	"(traffic, but too few samples).\n"
	"A verdict says where a fault is:\n"
	".Em lan , uplink , destination , dns , self\n"
	"(this box) or\n"
	".Em unknown .\n"
	".Pp\n"
	"The verbs are:\n"
	".Bl -tag -width Ds\n";

static const char tail[] = ".Sh ENVIRONMENT\n"
			   ".Bl -tag -width STORELINE_REDIS\n"
			   ".It Ev STORELINE_REDIS\n"
			   "The address of Redis, when\n"
			   ".Fl \\-redis\n"
			   "does not say it.\n"
			   ".It Ev STORELINE_SITE\n"
			   "The site, when\n"
			   ".Fl \\-site\n"
			   "does not say it.\n"
			   ".It Ev NO_COLOR\n"
			   "When it is set and not empty, nothing is coloured.\n"
			   "Colours are for terminals only; each state is a word as well.\n"
			   ".El\n"
			   ".Sh EXIT STATUS\n"
			   ".Bl -tag -width Ds\n"
			   ".It 0\n"
			   "All went well.\n"
			   ".It 1\n"
			   "An error.\n"
			   ".It 2\n"
			   "Wrong usage, or a bad policy.\n"
			   ".It 3\n"
			   "There is no such service, uplink, incident, policy or file.\n"
			   ".It 4\n"
			   "No permission.\n"
			   ".It 5\n"
			   "Refused by a safety limit.\n"
			   ".It 6\n"
			   "No answer in time, or no Redis.\n"
			   ".It 7\n"
			   "Unhealthy: a path is degraded or down, an incident of the\n"
			   ".Cm fleet\n"
			   "is open, or a check of\n"
			   ".Cm doctor\n"
			   "failed.\n"
			   ".El\n"
			   ".Sh EXAMPLES\n"
			   "Is this machine fit for the policy?\n"
			   ".Pp\n"
			   ".Dl storeline doctor --policy store.yaml\n"
			   ".Pp\n"
			   "Why do the tills go by LTE?\n"
			   ".Pp\n"
			   ".Dl storeline why pos\n"
			   ".Pp\n"
			   "Would the policy that is being written have done better last week?\n"
			   ".Pp\n"
			   ".Dl storeline whatif --policy new.yaml --last 7d\n"
			   ".Pp\n"
			   "Is it this store, or all of them?\n"
			   ".Pp\n"
			   ".Dl storeline fleet --last 2h\n"
			   ".Pp\n"
			   "Take what another fleet has learnt:\n"
			   ".Pp\n"
			   ".Dl storeline memory import north.json\n"
			   ".Sh SEE ALSO\n"
			   ".Xr storeline-control 8 ,\n"
			   ".Xr storeline-dataplane 8\n";

#define LINE_MAX 72 /* bytes of a source line; what is nearly as long goes to the next */

/* Text that is not markup: no macro at a line's start, each hyphen one to copy. */
static void plain(FILE *to, const char *text)
{
	bool ends = false; /* a sentence: the next one begins a line */
	int at = 0;

	while (*text) {
		size_t size = strcspn(text, " \n"), next = size + strspn(text + size, " \n");

		if (at && (at + (int)size > LINE_MAX || (ends && isupper((unsigned char)*text))))
			at = fputc('\n', to) < 0;
		if (at)
			at += fputc(' ', to) == ' ';
		else if (*text == '.' || *text == '\'')
			fputs("\\&", to);
		for (size_t i = 0; i < size; i++)
			fputs(text[i] == '-'    ? "\\-"
			      : text[i] == '\\' ? "\\e"
						: (char[]){text[i], '\0'},
			      to);
		at += (int)size;
		ends = text[size - 1] == '.' && text[next];
		text += next;
	}
	fputc('\n', to);
}

/* WORDS IN CAPITALS stand for what a person puts there. */
static void synopsis(FILE *to, const char *text)
{
	while (*text) {
		size_t size = strcspn(text, " ");

		if (strspn(text, "[]|") == size)
			fprintf(to, " %.*s", (int)size, text);
		else if (text[0] == '[')
			fprintf(to, " Oo %s %.*s", isupper((unsigned char)text[1]) ? "Ar" : "Cm",
				(int)strcspn(text + 1, " ]"), text + 1);
		else if (isupper((unsigned char)text[0]))
			fprintf(to, " Ar %.*s", (int)strcspn(text, " ]"), text);
		else
			fprintf(to, " Cm %.*s", (int)strcspn(text, " ]"), text);
		if (size && text[size - 1] == ']')
			fputs(" Oc", to);
		text += size + (text[size] == ' ');
	}
}

static void option(FILE *to, const struct sl_option *option)
{
	fprintf(to, ".It Fl \\-%s", option->name + 2);
	if (option->value[0])
		fprintf(to, " Ar %s", option->value);
	fputc('\n', to);
	plain(to, option->help);
}

static void verb(FILE *to, const struct sl_cli_verb *verb)
{
	fprintf(to, ".It Cm %s", verb->name);
	synopsis(to, verb->synopsis);
	fputc('\n', to);
	plain(to, verb->help);
	if (verb->more[0]) {
		fputs(".Pp\n", to);
		plain(to, verb->more);
	}
	if (!verb->options)
		return;
	fputs(".Bl -tag -width Ds\n", to);
	for (size_t i = 0; i < sl_options_count; i++)
		if (sl_options[i].bit & verb->options)
			option(to, &sl_options[i]);
	fputs(".El\n", to);
}

void sl_manual_write(FILE *to)
{
	fputs(head, to);
	for (size_t i = 0; i < sl_verbs_count; i++)
		verb(to, &sl_verbs[i]);
	fputs(".El\n.Pp\nThese options are for every verb:\n.Bl -tag -width Ds\n", to);
	for (size_t i = 0; i < sl_options_count; i++)
		if (!sl_options[i].bit)
			option(to, &sl_options[i]);
	fputs(".El\n", to);
	fputs(tail, to);
}
