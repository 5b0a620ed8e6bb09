/* Two devices as NVIDIA's management library would tell of them: one that knows everything, one that knows only its memory. */
#include <string.h>

enum { success = 0, not_supported = 3, not_found = 6, too_small = 7 };
struct utilization { unsigned gpu, memory; };
struct memory { unsigned long long total, free, used; };

static int devices[2];

static int first(void *device) { return device == &devices[0]; }

static int text(char *to, unsigned size, const char *from) {
  if (size <= strlen(from)) return too_small;
  strcpy(to, from);
  return success;
}

int nvmlInit_v2(void) { return success; }
int nvmlShutdown(void) { return success; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return success; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  if (index > 1) return not_found;
  *device = &devices[index];
  return success;
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) {
  return first(device) ? text(uuid, size, "GPU-00000000-1111-2222-3333-444444444444") : not_supported;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size) { return text(name, size, first(device) ? "NVIDIA H200" : "NVIDIA T4"); }

int nvmlDeviceGetUtilizationRates(void *device, struct utilization *rates) {
  if (!first(device)) return not_supported;
  *rates = (struct utilization){ 87, 42 };
  return success;
}

int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
  *memory = first(device) ? (struct memory){ 150754820096ull, 100754820096ull, 50000000000ull } : (struct memory){ 16ull << 30, 15ull << 30, 1ull << 30 };
  return success;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
  if (!first(device) || sensor != 0) return not_supported;
  *celsius = 61;
  return success;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
  if (!first(device)) return not_supported;
  *milliwatts = 412500;
  return success;
}

int nvmlDeviceGetTotalEccErrors(void *device, int type, int counter, unsigned long long *errors) {
  if (!first(device) || counter != 0) return not_supported;
  *errors = type == 0 ? 7000000000ull : 2;
  return success;
}
