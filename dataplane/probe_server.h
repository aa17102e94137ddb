/*
 * probe_server.h - which server a flow's first packet teaches the probes
 *
 * Whom the store calls, once a flow; who calls the store may not want to be called.  And by the
 * word of services above the background alone: whom a guest calls may be his accomplice, who
 * answers no more when that serves him, and his flood would drive out the tills' servers.  By an
 * uplink that no other service may use he may teach: there is nobody whom it could harm.  Pure.
 */
#ifndef SL_PROBE_SERVER_H
#define SL_PROBE_SERVER_H

#include "fastpath/inspect.h"
#include "probe.h"

/*
 * False: @inspect teaches none.  @trusted: of each uplink the services (bit each) whose word counts
 * there (sl_compile_trusted).
 */
bool sl_probe_server_of(const struct sl_inspect *inspect, const struct sl_tables *tables,
			const uint32_t trusted[SL_UPLINKS_MAX], struct sl_probe_server *server);

#endif
