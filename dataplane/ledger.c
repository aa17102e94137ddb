/*
 * ledger.c - the file and the ring of ids
 */
#include "ledger.h"

#include <stdio.h>
#include <string.h>

#include "crc32.h"
#include "files.h"

#define NAME  "ledger"
#define MAGIC 0x31474c53u /* "SLG1" */

struct file {
	uint32_t magic, size, crc, pad;
	struct sl_ledger_data data;
};

bool sl_ledger_open(struct sl_ledger *ledger, const char *dir)
{
	static struct file file;

	*ledger = (struct sl_ledger){.dir = dir};
	if (sl_files_read(dir, NAME, &file, sizeof(file)) != sizeof(file) || file.magic != MAGIC ||
	    file.size != sizeof(file.data) ||
	    file.crc != sl_crc32(0, &file.data, sizeof(file.data)))
		return false;
	ledger->data = file.data;
	return true;
}

int sl_ledger_save(struct sl_ledger *ledger)
{
	static struct file file;

	file.magic = MAGIC;
	file.size = sizeof(file.data);
	file.data = ledger->data;
	file.crc = sl_crc32(0, &file.data, sizeof(file.data));
	int err = sl_files_replace(ledger->dir, NAME, &file, sizeof(file));

	ledger->failures += err != 0;
	return err;
}

bool sl_ledger_obeyed(const struct sl_ledger *ledger, const char *id)
{
	for (uint32_t i = 0; i < SL_LEDGER_IDS; i++)
		if (strcmp(ledger->data.id[i], id) == 0)
			return true;
	return false;
}

void sl_ledger_obey(struct sl_ledger *ledger, const char *id)
{
	snprintf(ledger->data.id[ledger->data.next], SL_ID_MAX, "%s", id);
	ledger->data.next = (ledger->data.next + 1) % SL_LEDGER_IDS;
	memset(&ledger->data.begun, 0, sizeof(ledger->data.begun));
}

struct sl_ledger_service *sl_ledger_service(struct sl_ledger *ledger, const char *name)
{
	struct sl_ledger_service *free_one = NULL;

	for (uint32_t i = 0; i < SL_SERVICES_MAX; i++) {
		struct sl_ledger_service *s = &ledger->data.service[i];

		if (strcmp(s->name, name) == 0)
			return s;
		if (!free_one && !s->name[0])
			free_one = s;
	}
	if (free_one)
		snprintf(free_one->name, sizeof(free_one->name), "%s", name);
	return free_one;
}

struct sl_ledger_uplink *sl_ledger_uplink(struct sl_ledger *ledger, const char *name)
{
	struct sl_ledger_uplink *free_one = NULL;

	for (uint32_t i = 0; i < SL_UPLINKS_MAX; i++) {
		struct sl_ledger_uplink *u = &ledger->data.uplink[i];

		if (strcmp(u->name, name) == 0)
			return u;
		if (!free_one && !u->name[0])
			free_one = u;
	}
	if (free_one)
		snprintf(free_one->name, sizeof(free_one->name), "%s", name);
	return free_one;
}
