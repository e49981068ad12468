// SPDX-License-Identifier: BSL-1.0
#include "verify/rule.hpp"

#include <algorithm>
#include <array>

namespace holdfast::inline v1::verify {
namespace {

constexpr auto all = std::to_array<Rule>({
    // --- loading ------------------------------------------------------------------------------------------------------
    {"load.library", "W-001", "the library loads, and unloads after its last Close",
     "link everything it needs; stop every thread in Close; nothing may run in DllMain or static objects (W-004)"},
    {"load.exports", "W-010", "only Startup and StartupEx are exported, undecorated",
     "export them with a .def file or a version script, and hide the rest"},
    {"load.type-name", "W-014", "a type is known by its whole name, in any case",
     "compare whole names without regard to case; CompareString says 2 when they are equal, not 0"},
    {"load.unknown-type", "W-014", "a type it does not have is refused with 5080",
     "return ERROR_CLUSTER_RESNAME_NOT_FOUND (5080) and leave *FunctionTable alone"},
    {"load.version-mismatch", "W-015", "a range without any of its versions is refused with 1306",
     "return ERROR_REVISION_MISMATCH (1306) if no version lies in [Min, Max]"},
    {"load.version-choice", "W-016", "it answers with its highest version that is not above Max",
     "choose the highest version you implement that is not above MaxVersionSupported"},
    {"load.table-size", "W-021", "TableSize is the size of the version's function block",
     "set TableSize to CLRES_Vn_FUNCTION_SIZE of the table's own version"},
    {"load.null-slots", "W-025", "every function that must be there is there",
     "only Arbitrate, Release and the control functions may be NULL"},
    {"load.quorum-pair", "W-026", "Arbitrate and Release come together or not at all", "offer both, or neither"},
    {"load.table-static", "W-027", "the table stays where it is and as it is", "give out a static, constant table"},
    {"load.callbacks-size", "W-031", "no callback is used that the engine's version does not have",
     "touch an entry of the callback table only if MaxVersionSupported guarantees it"},
    // --- lifecycle ----------------------------------------------------------------------------------------------------
    {"lifecycle.open", "W-110", "Open gives an id that is not NULL, and NULL only with a last error",
     "allocate the instance in Open; on failure SetLastError and return NULL, with everything released"},
    {"lifecycle.online", "W-122", "Online brings the resource online, and it is alive then",
     "report success when clients can use the resource, and not before"},
    {"lifecycle.offline", "W-125", "Offline takes an online resource offline",
     "return 0 or 997 and report Offline (3)"},
    {"lifecycle.again", "W-126", "what was offline comes online again",
     "leave nothing behind: ports, mounts, locks, state"},
    {"lifecycle.offline-idempotent", "W-127", "Offline of what is not online succeeds",
     "return 0 if there is nothing to stop"},
    {"lifecycle.two-instances", "W-106", "two instances have ids of their own and do not touch each other",
     "keep everything per instance; return a unique id"},
    {"lifecycle.any-thread", "W-104", "calls may come on any thread",
     "keep no lock, COM apartment or thread-local state from one call to the next"},
    {"lifecycle.copies-arguments", "W-109", "nothing of an argument is used after the call",
     "copy the name and every buffer in the call"},
    {"lifecycle.terminate-idle", "W-131", "Terminate does no harm to a resource that never was online",
     "make Terminate idempotent and safe in every state after Open"},
    {"lifecycle.terminate-online", "W-131", "Terminate ends an online resource, and it can come online again",
     "release everything the run had, and reset what it left (W-132)"},
    {"lifecycle.terminate-twice", "W-131", "a second Terminate does no harm", "make Terminate idempotent"},
    {"lifecycle.terminate-in-online", "W-102", "Terminate during Online ends it at once, for good",
     "guard what both touch; let nothing that Online waits for keep Terminate waiting (W-103); suppress the late "
     "report (W-240)"},
    {"lifecycle.terminate-in-offline", "W-102", "Terminate during Offline ends it at once",
     "guard what both touch; let nothing that Offline waits for keep Terminate waiting (W-103)"},
    {"lifecycle.terminate-in-check", "W-102", "Terminate during LooksAlive and IsAlive does no harm",
     "guard what both touch; no check may hold a lock that Terminate needs (W-103, W-245)"},
    {"lifecycle.terminate-in-control", "W-102", "Terminate during a control call does no harm",
     "guard what both touch; no control call may hold a lock that Terminate needs (W-103)"},
    {"lifecycle.offline-in-online", "W-242", "Offline during a pending Online stops that first",
     "stop the Online worker before Offline starts its own (W-234)"},
    {"lifecycle.close-online", "W-116", "Close of an online resource ends it", "run the logic of Terminate in Close"},
    {"lifecycle.close-pending", "W-244", "Close of a pending resource ends it",
     "run the logic of Terminate in Close, and join the worker or leave it the data it touches (W-235)"},
    {"lifecycle.stale-id", "W-108", "an id that is not open (any more) is refused",
     "look ids up in a registry under a lock: 5007, FALSE, or nothing"},
    // --- pending operations -------------------------------------------------------------------------------------------
    {"pending.outside", "W-201", "status is reported inside a pending operation only",
     "report nothing from Open, while offline or online, or if the call returns anything but 997"},
    {"pending.after-terminate", "W-206", "after the engine answered Terminate no status follows",
     "leave the worker when SetResourceStatus returns 1, without another report"},
    {"pending.late-report", "W-249", "after Terminate has returned no status follows",
     "give each operation a generation, and drop what an old one reports (W-240)"},
    {"pending.checkpoint", "W-203", "each pending report has a greater CheckPoint",
     "add 1 to CheckPoint at every report (W-205)"},
    {"pending.heartbeat", "W-220", "no gap between reports is longer than PendingTimeout",
     "report progress, from a second thread if need be"},
    {"pending.endless", "W-1109", "a pending operation ends", "limit the operation as a whole, and report Failed then"},
    {"pending.final", "W-209", "an operation has one final report, and nothing follows it",
     "report once; if the worker may die, let its guard report Failed"},
    {"pending.final-state", "W-208", "the final state is one that the operation may end in",
     "report Online or Failed after Online, Offline or Failed after Offline (W-207)"},
    // --- budgets ------------------------------------------------------------------------------------------------------
    {"budget.load", "W-002", "loading takes at most 300 ms", "do nothing in DllMain and in static objects"},
    {"budget.startup", "W-018", "Startup takes at most 300 ms", "leave work to Online"},
    {"budget.open", "W-100", "Open takes at most 300 ms", "leave work to Online"},
    {"budget.online", "W-123", "Online returns within 300 ms", "start a worker and return ERROR_IO_PENDING (997)"},
    {"budget.offline", "W-125", "Offline returns within 300 ms", "start a worker and return ERROR_IO_PENDING (997)"},
    {"budget.terminate", "W-130", "Terminate returns within 300 ms",
     "kill at once, without grace; wait a bounded time"},
    {"budget.looks-alive", "W-135", "LooksAlive returns within 300 ms (50 ms are better)",
     "answer from the result of a polling thread (W-330)"},
    {"budget.is-alive", "W-135", "IsAlive returns within 300 ms (50 ms are better)",
     "answer from the result of a polling thread (W-330)"},
    {"budget.control", "W-100", "control calls return within 300 ms",
     "leave work to a worker, or return asynchronously"},
    {"budget.close", "W-116", "Close returns within 300 ms", "wait a bounded time; detach what is wedged (W-235)"},
    // --- health -------------------------------------------------------------------------------------------------------
    {"health.steady", "W-136", "a healthy resource is alive at every poll",
     "return FALSE only when the resource has definitely failed; look twice before"},
    {"health.failure-noticed", "W-331", "a failure is noticed, by the event or by a poll",
     "stamp the cached result with its time; a check that hangs is a failure"},
    {"health.verdict-first", "W-320", "IsAlive is FALSE once the event is signalled", "store the verdict, then signal"},
    {"health.event-initial", "W-120", "the event that Online leaves is a waitable handle, not signalled",
     "reset the event before Online replies (W-132)"},
    {"health.event-lifetime", "W-323", "the event stays open while the resource is online",
     "close it in Close, not before"},
    {"health.after-terminate", "W-132", "after Terminate the resource is not alive", "reset the verdict in Terminate"},
    // --- control codes ------------------------------------------------------------------------------------------------
    {"control.required", "W-620", "the codes that every resource must answer are answered",
     "answer UNKNOWN and the six codes of private properties"},
    {"control.validated", "W-640", "private properties are validated before they are stored",
     "handle SET_PRIVATE_PROPERTIES: else the engine stores what it got, unread"},
    {"control.type-required", "W-621", "the codes that every type must answer are answered",
     "answer the type's UNKNOWN, private properties, and GET_PRIVATE_RESOURCE_PROPERTY_FMTS"},
    {"control.type-enum", "W-621", "the type lists its own private properties, not those of resources",
     "answer the type's ENUM_PRIVATE_PROPERTIES with what the type's GET_PRIVATE_PROPERTIES returns"},
    {"control.unknown-code", "W-142", "a code it does not know is answered with 1",
     "return ERROR_INVALID_FUNCTION (1)"},
    {"control.common", "W-500", "common properties are left to the engine", "return ERROR_INVALID_FUNCTION (1)"},
    {"control.bytes-returned", "W-141", "*BytesReturned always has a value", "set *BytesReturned to 0 first"},
    {"control.more-data", "W-630", "a buffer that is too small is answered with 234 and the size needed",
     "return ERROR_MORE_DATA with the whole size in *BytesReturned, and write nothing"},
    {"control.overrun", "W-141", "nothing is written beyond the buffer",
     "compare with OutBufferSize before each write"},
    {"control.null-buffers", "W-141", "NULL buffers of size 0 are accepted", "look before you read"},
    {"control.notifications", "W-642", "notifications are answered with 0 or 1",
     "return 0, or 1 if they are not handled; SET_NAME may come without a name (W-651)"},
    {"control.maintenance", "W-652", "maintenance codes are answered with 1 by all but disks",
     "return ERROR_INVALID_FUNCTION (1)"},
    {"control.value-lists", "W-660", "dependencies, class and characteristics are well-formed",
     "close the list with one end mark; class info is 8 bytes, characteristics are 4"},
    {"control.async-once", "W-151", "an asynchronous control call ends exactly once",
     "call EndControlCall once, if and only if *ReturnedAsynchronously was set"},
    // --- property lists -----------------------------------------------------------------------------------------------
    {"property.list", "W-502", "the lists it returns are well-formed",
     "cbLength counts data without padding; one end mark per property and none for the list (W-503)"},
    {"property.agree", "W-537", "names, values and formats agree",
     "answer ENUM, GET, GET_RO and FMTS from one table (W-538)"},
    {"property.malformed", "W-520", "a malformed list is refused with its code",
     "check the size before each read: 122 if the list is longer than its buffer, else 13 or 87"},
    {"property.read-past", "W-520", "nothing is read outside the list's buffer",
     "advance by 8 + the data's size rounded up to 4 (W-507), and compare with the end before each read"},
    {"property.unknown", "W-520", "a property that it does not know is refused, or kept",
     "return 87, or store it as an unknown property"},
    {"property.range", "W-520", "a value out of its range or of another format is refused",
     "compare format and range with the table (W-510)"},
    {"property.validate-only", "W-640", "VALIDATE_PRIVATE_PROPERTIES changes nothing", "check, and write nothing"},
    {"property.all-or-none", "W-501", "a list with one bad property changes nothing",
     "check every property before the first is written"},
    {"property.round-trip", "W-533", "what was set is what is read", "store what was checked, and read it back"},
    {"property.stored", "W-640", "what is stored but not in effect yet is answered with 5024",
     "return ERROR_RESOURCE_PROPERTIES_STORED (5024) while online or pending, if it takes effect at the next Online"},
    // --- the process it lives in --------------------------------------------------------------------------------------
    {"conduct.crash", "W-105", "no call crashes", "see the evidence for the call and its thread"},
    {"conduct.hang", "W-440", "every call returns",
     "bound every wait: after DeadlockTimeout the whole process is killed"},
    {"conduct.exception", "W-105", "no exception leaves a call", "catch everything at the boundary; new throws, too"},
    {"conduct.exit", "W-105", "nothing ends the process",
     "return an error: the process is shared with other resources"},
    {"conduct.callback-handle", "W-106", "callbacks get the handle that Open was given",
     "keep the RESOURCE_HANDLE of each instance, and use nothing else"},
    {"conduct.after-close", "W-117", "no callback follows Close", "join every thread in Close"},
    {"conduct.log-format", "W-905", "log formats are FormatMessage's, and data is no format",
     "write %1!ws!, not %s; pass text as an insert, never as the format (W-906)"},
    {"conduct.process-state", "W-804", "directory, environment, locale and signal handlers stay as they are",
     "change nothing that belongs to the whole process"},
    {"conduct.forbidden-calls", "W-800", "no call that waits for the cluster is made from an entry point",
     "make it on a worker; write to the registry neither in Open nor in Online, Offline, Terminate or Close"},
    {"leak.open-close", "W-1110", "1,000 times Open and Close leave nothing behind",
     "release handles, threads, semaphores and memory on every path"},
    {"leak.online-offline", "W-1110", "200 times Online and Offline leave nothing behind",
     "release what each run had; join its worker"},
    // --- faults put into an agent built with holdfast (--inject) --------------------------------------------------------
    {"inject.budget", "W-100", "every call stays in its budget although the author's code misbehaves",
     "report it to holdfast"},
    {"inject.outcome", "W-331", "the fault is seen: the operation or the check fails in time", "report it to holdfast"},
    {"inject.terminate", "W-103", "Terminate ends the resource although the author's code misbehaves",
     "report it to holdfast"},
    {"inject.recovery", "W-132", "once the fault is over the resource comes online", "report it to holdfast"},
});

}  // namespace

std::span<const Rule> rules() noexcept { return all; }

const Rule* findRule(std::string_view id) noexcept {
    const auto* const found = std::find_if(all.begin(), all.end(), [&](const Rule& rule) { return rule.id == id; });
    return found == all.end() ? nullptr : found;
}

bool matches(std::string_view pattern, const Rule& rule) noexcept {
    if (pattern == rule.id || pattern == rule.clause) return true;
    if (!pattern.empty() && pattern.back() == '*') return rule.id.starts_with(pattern.substr(0, pattern.size() - 1));
    return rule.id.starts_with(pattern) && rule.id.size() > pattern.size() && rule.id[pattern.size()] == '.';
}

std::string_view nameOf(Judgement judgement) noexcept {
    switch (judgement) {
        case Judgement::passed: return "pass";
        case Judgement::notApplicable: return "not applicable";
        case Judgement::notChecked: return "not checked";
        case Judgement::warned: return "warning";
        case Judgement::failed: return "fail";
    }
    return "fail";
}

std::optional<Judgement> judgementOf(std::string_view name) noexcept {
    for (const auto judgement :
         {Judgement::passed, Judgement::notApplicable, Judgement::notChecked, Judgement::warned, Judgement::failed}) {
        if (nameOf(judgement) == name) return judgement;
    }
    return std::nullopt;
}

}  // namespace holdfast::inline v1::verify
