/*
 * address.h - an address of the core as text
 */
#ifndef SL_DATAPLANE_ADDRESS_H
#define SL_DATAPLANE_ADDRESS_H

#include <netinet/in.h>

#include "fastpath/tables.h"

/* @address as inet_ntop() writes it, IPv4 where it is mapped (RFC 4291 2.5.5.2). */
void sl_address_text(const struct sl_addr *address, char text[INET6_ADDRSTRLEN]);

#endif
