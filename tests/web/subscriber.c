/*
 * subscriber.c - prints what each path gets, ten times a second: subscriber SOCKET SITE
 */
#include <hiredis/hiredis.h>
#include <stdio.h>

#include "storeline.pb-c.h"

int main(int argc, char **argv)
{
	redisContext *redis = argc == 3 ? redisConnectUnix(argv[1]) : NULL;
	redisReply *said;

	if (!redis || redis->err)
		return 1;
	freeReplyObject(redisCommand(redis, "SUBSCRIBE sl:{%s}:live", argv[2]));
	while (redisGetReply(redis, (void **)&said) == REDIS_OK) {
		Storeline__V1__Telemetry *picture =
			storeline__v1__telemetry__unpack(NULL, said->element[2]->len,
							 (uint8_t *)said->element[2]->str);

		for (size_t i = 0; picture && picture->wire_version == 1 && i < picture->n_paths;
		     i++)
			printf("%s on %s: state %d, p95 %u us\n", picture->paths[i]->service,
			       picture->paths[i]->uplink, picture->paths[i]->state,
			       picture->paths[i]->rtt_wan ? picture->paths[i]->rtt_wan->p95_us : 0);
		fflush(stdout);
		storeline__v1__telemetry__free_unpacked(picture, NULL);
		freeReplyObject(said);
	}
	return 1;
}
