/*
 * doctor_host.c - checks of the machine: rights, kernel, file systems, clock
 */
#include "doctor.h"

#include "cli.h"

#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* linux/capability.h of Debian 12 has them; a kernel before 5.8 does not */
#define BIT(capability) (UINT64_C(1) << (capability))

#define KERNEL_LEAST  5015 /* 5.15: what the programs need at all */
#define KERNEL_TESTED 6001 /* 6.1, Debian 12 */
#define MIB           (UINT64_C(1) << 20)
#define DISK_LEAST    (64 * MIB)
#define DISK_ENOUGH   (512 * MIB)

const char *sl_doctor_word(enum sl_doctor_grade grade)
{
	static const char *const words[SL_DOCTOR_COUNT] = {"ok", "skip", "warn", "fail", "refuse"};

	return grade < SL_DOCTOR_COUNT ? words[grade] : "?";
}

void sl_doctor_add(struct sl_findings *findings, enum sl_doctor_grade grade, const char *check,
		   const char *cause, const char *cure, const char *format, ...)
{
	struct sl_finding *made;
	va_list args;

	if (findings->count == SL_FINDINGS_MAX)
		return;
	made = &findings->finding[findings->count++];
	*made = (struct sl_finding){.grade = grade};
	snprintf(made->check, sizeof(made->check), "%s", check);
	snprintf(made->cause, sizeof(made->cause), "%s", cause ? cause : "");
	snprintf(made->cure, sizeof(made->cure), "%s", cure ? cure : "");
	va_start(args, format);
	vsnprintf(made->found, sizeof(made->found), format, args);
	va_end(args);
}

static void rights(struct sl_findings *findings, const struct sl_facts_host *host)
{
	uint64_t have = host->capabilities;
	char lacks[64] = "";

	if (have & BIT(CAP_SYS_ADMIN))
		have |= BIT(CAP_BPF) | BIT(CAP_PERFMON);
	snprintf(lacks, sizeof(lacks), "%s%s%s", have & BIT(CAP_BPF) ? "" : " CAP_BPF",
		 have & BIT(CAP_NET_ADMIN) ? "" : " CAP_NET_ADMIN",
		 have & BIT(CAP_PERFMON) ? "" : " CAP_PERFMON");
	if (lacks[0])
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "rights",
			      "without them no program is loaded and nothing is attached",
			      "run it as root, or: setcap cap_bpf,cap_net_admin,cap_perfmon+ep "
			      "storeline-dataplane",
			      "missing:%s", lacks);
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, "rights", NULL, NULL,
			      "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON");
}

static void kernel(struct sl_findings *findings, const struct sl_facts_host *host)
{
	unsigned int version = host->kernel_major * 1000 + host->kernel_minor;

	if (version < KERNEL_LEAST)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "kernel",
			      "the BPF programs need Linux 5.15",
			      "install a newer kernel: apt install linux-image-amd64", "Linux %s",
			      host->kernel);
	else if (version < KERNEL_TESTED)
		sl_doctor_add(findings, SL_DOCTOR_WARN, "kernel",
			      "Storeline is tested on Linux 6.1 and newer",
			      "install a newer kernel when you can", "Linux %s", host->kernel);
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, "kernel", NULL, NULL, "Linux %s",
			      host->kernel);
	if (host->btf)
		sl_doctor_add(findings, SL_DOCTOR_OK, "BTF", NULL, NULL,
			      "the kernel has its types");
	else
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "BTF",
			      "the loader reads the kernel's types from /sys/kernel/btf/vmlinux",
			      "use a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian's are)",
			      "no /sys/kernel/btf/vmlinux");
}

static void bpf(struct sl_findings *findings, const struct sl_facts_host *host)
{
	if (host->bpffs)
		sl_doctor_add(findings, SL_DOCTOR_OK, "bpffs", NULL, NULL, "mounted");
	else
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "bpffs",
			      "programs and tables are pinned there, so that traffic flows on when "
			      "the process ends",
			      "mount -t bpf bpf /sys/fs/bpf",
			      "/sys/fs/bpf is not a BPF file system");
	if (host->jit == 0)
		sl_doctor_add(findings, SL_DOCTOR_WARN, "BPF JIT",
			      "programs are interpreted: several times slower",
			      "sysctl -w net.core.bpf_jit_enable=1", "off");
	else if (host->jit > 0)
		sl_doctor_add(findings, SL_DOCTOR_OK, "BPF JIT", NULL, NULL, "on");
}

/* XDP and tc programs read no kernel memory: lockdown bars DPDK's devices, not them. */
static void lockdown(struct sl_findings *findings, const struct sl_facts *facts)
{
	const char *mode = facts->host.lockdown;
	bool dpdk = facts->policy && facts->policy->engine.kind == SL_ENGINE_DPDK &&
		    facts->policy->engine.driver == SL_DRIVER_EAL;

	if (!mode[0] || !strcmp(mode, "none") || !dpdk)
		sl_doctor_add(findings, SL_DOCTOR_OK, "lockdown", NULL, NULL, "%s%s",
			      mode[0] ? mode : "none",
			      mode[0] && strcmp(mode, "none") != 0
				      ? ": it does not touch XDP and tc programs"
				      : "");
	else
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, "lockdown",
			"a locked kernel gives DPDK no device by uio, only by vfio-pci with an "
			"IOMMU",
			"bind the NICs to vfio-pci with the IOMMU on, or switch Secure Boot off",
			"%s", mode);
}

static void clock(struct sl_findings *findings, const struct sl_facts_host *host)
{
	if (host->clock == SL_FACTS_UNKNOWN)
		sl_doctor_add(findings, SL_DOCTOR_SKIP, "clock", NULL, NULL,
			      "the kernel does not tell whether it is in step");
	else if (host->clock)
		sl_doctor_add(findings, SL_DOCTOR_OK, "clock", NULL, NULL,
			      "in step with a time source");
	else
		sl_doctor_add(findings, SL_DOCTOR_WARN, "clock",
			      "commands expire by wall clock, and incidents of several stores are "
			      "put together by it",
			      "apt install chrony (or systemd-timesyncd), and give it a server it "
			      "reaches",
			      "not in step with any time source");
}

static void disk(struct sl_findings *findings, const struct sl_facts_host *host)
{
	unsigned long long mib = host->state_free_bytes / MIB;
	static const char cause[] = "events are kept in a spool there until control has them";

	if (host->state_error)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "state folder", cause,
			      "name a folder that can be written: --state DIR", "%s: %s",
			      host->state_dir, strerror(host->state_error));
	else if (host->state_free_bytes < DISK_LEAST)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "state folder", cause,
			      "make room, or name another folder: --state DIR",
			      "%s: %llu MiB are free", host->state_dir, mib);
	else if (host->state_free_bytes < DISK_ENOUGH)
		sl_doctor_add(findings, SL_DOCTOR_WARN, "state folder", cause,
			      "make room: 512 MiB outlast days without Redis",
			      "%s: %llu MiB are free", host->state_dir, mib);
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, "state folder", NULL, NULL,
			      "%s: %llu MiB are free", host->state_dir, mib);
}

static void huge_pages(struct sl_findings *findings, const struct sl_facts *facts)
{
	uint64_t bytes = facts->host.huge_pages_free * facts->host.huge_page_bytes;

	if (!facts->policy || facts->policy->engine.kind != SL_ENGINE_DPDK)
		return;
	if (facts->policy->engine.no_huge_pages)
		sl_doctor_add(findings, SL_DOCTOR_WARN, "huge pages",
			      "the policy says huge_pages: false: ordinary memory, slower",
			      "reserve some, and take that line out of the policy", "not used");
	else if (bytes < 256 * MIB)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "huge pages",
			      "DPDK keeps packet buffers and tables in them",
			      "sysctl -w vm.nr_hugepages=512 (and in /etc/sysctl.d for good), or "
			      "huge_pages: false in the policy",
			      "%llu MiB are free, 256 MiB are wanted",
			      (unsigned long long)(bytes / MIB));
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, "huge pages", NULL, NULL, "%llu MiB are free",
			      (unsigned long long)(bytes / MIB));
}

void sl_doctor_host(struct sl_findings *findings, const struct sl_facts *facts)
{
	rights(findings, &facts->host);
	kernel(findings, &facts->host);
	bpf(findings, &facts->host);
	lockdown(findings, facts);
	huge_pages(findings, facts);
	clock(findings, &facts->host);
	disk(findings, &facts->host);
}

int sl_doctor_code(const struct sl_findings *findings)
{
	int code = SL_CLI_OK;

	for (uint32_t i = 0; i < findings->count; i++)
		if (findings->finding[i].grade == SL_DOCTOR_REFUSE)
			return SL_CLI_REFUSED;
		else if (findings->finding[i].grade == SL_DOCTOR_FAIL)
			code = SL_CLI_UNHEALTHY;
	return code;
}
