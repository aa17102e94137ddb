/*
 * bus_address.h - where Redis is: "unix:/path" or "tcp:host:port", loopback only
 */
#ifndef SL_BUS_ADDRESS_H
#define SL_BUS_ADDRESS_H

#include <sys/socket.h>

#include "wire.h"

struct sl_address {
	struct sockaddr_storage socket;
	socklen_t length;
	char text[SL_TEXT_MAX / 2]; /* as it was given, for messages */
};

/*
 * 0; or -EINVAL, *@address untouched, and @why (SL_TEXT_MAX bytes) says what is
 * wrong.  A host is a loopback address or "localhost": nothing here encrypts.
 */
int sl_address_read(struct sl_address *address, const char *text, char *why);

/* A non-blocking socket on its way to @address, or -errno. */
int sl_address_connect(const struct sl_address *address);

#endif
