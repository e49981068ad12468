/* SPDX-License-Identifier: BSL-1.0 */
/* What a bad agent does to the process that it shares with others (W-804, W-1130). The good one calls none of this. */
#include "agent.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#if !defined(_WIN32)
#include <unistd.h>
#endif

static void onSignal(int number) { (void)number; }

void changeProcess(void) {
#if defined(_WIN32)
    if (IS_BAD(changesDirectory)) SetCurrentDirectoryW(L"\\");
    if (IS_BAD(changesEnvironment)) SetEnvironmentVariableW(L"PATH", L"C:\\agent");
    if (IS_BAD(changesLocale)) setlocale(LC_ALL, "English_United States.1252");
#else
    if (IS_BAD(changesDirectory) && chdir("/") != 0) return;
    if (IS_BAD(changesEnvironment)) setenv("PATH", "/opt/agent", 1);
    if (IS_BAD(changesLocale)) setlocale(LC_ALL, "C.UTF-8"); /* what every system has */
#endif
    if (IS_BAD(changesSignals)) signal(SIGTERM, onSignal);
}

void endProcess(void) { exit(7); }
void abortProcess(void) { abort(); }
