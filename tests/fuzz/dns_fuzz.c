/*
 * dns_fuzz.c - any bytes as a DNS message
 */
#include "dataplane/dns.h"

#include <string.h>

#include "names_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_dns_answer answer;

	memset(&answer, 0xee, sizeof(answer));
	if (sl_dns_read(data, (uint32_t)size, &answer)) {
		for (size_t i = 0; i < sizeof(answer); i++)
			FUZZ_HOLDS(((const uint8_t *)&answer)[i] == 0xee);
		return 0;
	}
	FUZZ_HOLDS(size >= 12 && answer.addresses <= SL_DNS_ADDRESSES_MAX);
	if (answer.question[0])
		fuzz_check_name(answer.question);
	else
		FUZZ_HOLDS(!answer.addresses); /* nothing leads to them */
	for (uint32_t i = 0; i < answer.addresses; i++) {
		FUZZ_HOLDS(answer.address[i].ttl_s <= INT32_MAX);
		for (uint32_t j = 0; j < i; j++)
			FUZZ_HOLDS(
				memcmp(answer.address[i].address, answer.address[j].address, 16));
	}
	return 0;
}
