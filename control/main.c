/*
 * main.c - storeline-control: decides for one site what its dataplane shall do
 */
#include "daemon.h"
#include "log.h"

#include "proto/wire.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 2

static const char usage[] =
	"usage: storeline-control --redis unix:PATH --state DIR --site SITE [--web ADDR] [-v]\n"
	"\n"
	"Reads what the dataplane of SITE measures, decides, commands it.  The policy is taken\n"
	"from Redis, where the dataplane publishes it.\n"
	"\n"
	"  --redis ADDRESS  unix:/path/to.sock or tcp:HOST:PORT\n"
	"  --state DIR      where it keeps what it must not forget (made when missing)\n"
	"  --site SITE      e.g. store-0421\n"
	"  --web ADDR       serve the page, its API and /metrics: 127.0.0.1:8421, [::1]:8421 or\n"
	"                   unix:/path; loopback only, read-only (default: not at all)\n"
	"  -v, --verbose    also debug lines on stderr\n"
	"  -h, --help       this text\n"
	"\n"
	"exit: 0 stopped, 1 error, 2 usage or bad address, 4 state directory not writable\n";

static int refuse(const char *what)
{
	fprintf(stderr, "storeline-control: %s\n%s", what, usage);
	return EXIT_USAGE;
}

/* A name that may stand in a Redis key. */
static bool site_ok(const char *site)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	return site && *site && strlen(site) < SL_NAME_MAX && strspn(site, allowed) == strlen(site);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"redis", required_argument, NULL, 'r'},
						{"state", required_argument, NULL, 'd'},
						{"site", required_argument, NULL, 's'},
						{"web", required_argument, NULL, 'w'},
						{"verbose", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct sl_daemon_config config = {0};
	int option;

	while ((option = getopt_long(argc, argv, "vh", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			config.redis = optarg;
			break;
		case 'd':
			config.state_dir = optarg;
			break;
		case 's':
			config.site = optarg;
			break;
		case 'w':
			config.web = optarg;
			break;
		case 'v':
			sl_note_verbose(true);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return refuse("see the usage");
		}
	}
	if (optind < argc)
		return refuse("it takes no words, only options");
	if (!config.redis)
		return refuse("--redis is missing");
	if (!config.state_dir)
		return refuse("--state is missing");
	if (!site_ok(config.site))
		return refuse(
			"--site is missing, or is not a name of at most 31 letters, digits, - _ .");
	return sl_daemon_run(&config);
}
