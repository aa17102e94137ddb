/*
 * talk.c - a packet through the core, the short way where it may and the long way
 */
#include "talk.h"

void talk_measure(struct talk *talk)
{
	struct sl_way long_way = talk->way;
	struct sl_flow long_flow = talk->flow;
	struct sl_work long_work = talk->work;

	sl_pipeline_measure(&talk->way, &talk->flow, &talk->work, &talk->tables, &talk->shared);
	sl_pipeline_measure_any(&long_way, &long_flow, &long_work, &talk->tables, &talk->shared);
	assert_memory_equal(&talk->work, &long_work, sizeof(long_work));
	assert_memory_equal(&talk->flow, &long_flow, sizeof(long_flow));
	assert_memory_equal(&talk->way, &long_way, sizeof(long_way));
}
