/* Wine 8 has no bcryptprimitives.dll, from which programs of Go take their random numbers. This one has what they
   ask for, from the system's own generator. Only the tests under Wine use it. */
#include <stddef.h>
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    while (size > 0) {
        ULONG part = size > 1 << 20 ? 1 << 20 : (ULONG)size;
        if (!RtlGenRandom(data, part)) return FALSE;
        data += part;
        size -= part;
    }
    return TRUE;
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, LPVOID reserved) {
    return TRUE;
}
