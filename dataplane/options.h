/*
 * options.h - the command line of storeline-dataplane, one table for all subcommands
 */
#ifndef SL_OPTIONS_H
#define SL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum sl_option_need {
	SL_NEED_POLICY = 1,
	SL_NEED_REDIS = 2,
	SL_NEED_STATE = 4,
	SL_NEED_ENGINE = 8,
	SL_NEED_FLOWS_OUT = 16,
	SL_NEED_FILES = 32, /* operands */
};

struct sl_options {
	const char *policy, *redis, *state, *pin;
	const char *engine; /* run: over the policy's */
	const char *flows_out, *events_out;
	uint32_t flows; /* run: entries of the flow table; 0 = default */
	bool generic, detach_on_exit, verbose, help;
	char **files;
	int file_count;
};

/*
 * Read the words after the subcommand.  @replay: --flows names a file, not a number.
 * False: said on stderr what is wrong (also when something of @needs, a sum of
 * enum sl_option_need, is missing).
 */
bool sl_options_read(struct sl_options *options, int argc, char **argv, unsigned int needs,
		     bool replay);

#endif
