/*
 * exits.h - how storeline-dataplane ends; the same numbers in all of Storeline
 */
#ifndef SL_EXITS_H
#define SL_EXITS_H

enum sl_exit {
	SL_EXIT_OK = 0,
	SL_EXIT_ERROR = 1,
	SL_EXIT_USAGE = 2,     /* also a bad policy, a bad Redis address */
	SL_EXIT_NOT_FOUND = 3, /* a device */
	SL_EXIT_PERMISSION = 4,
	SL_EXIT_NO_ENGINE = 8, /* no BPF, or the kernel refuses the program */
};

/* The exit code for what sl_xdp_open() and its like returned. */
enum sl_exit sl_exit_of(int err);

#endif
