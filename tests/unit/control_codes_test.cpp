// SPDX-License-Identifier: BSL-1.0
/// Every code of the contract's tables 7.2 and 7.3 as a plain number: what is composed must be what is documented.
#include <holdfast/abi/control_codes.hpp>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <iterator>
#include <set>

using namespace holdfast::abi;

namespace {

struct Documented {
    Dword value;
    const char* name;
};

constexpr Documented resourceCodes[] = {
    {0x01000000, "UNKNOWN"},
    {0x01000005, "GET_CHARACTERISTICS"},
    {0x01000009, "GET_FLAGS"},
    {0x0100000D, "GET_CLASS_INFO"},
    {0x01000011, "GET_REQUIRED_DEPENDENCIES"},
    {0x01000015, "GET_ARB_TIMEOUT"},
    {0x01000019, "GET_FAILURE_INFO"},
    {0x01000029, "GET_NAME"},
    {0x0100002D, "GET_RESOURCE_TYPE"},
    {0x01000039, "GET_ID"},
    {0x01000051, "ENUM_COMMON_PROPERTIES"},
    {0x01000055, "GET_RO_COMMON_PROPERTIES"},
    {0x01000059, "GET_COMMON_PROPERTIES"},
    {0x0140005E, "SET_COMMON_PROPERTIES"},
    {0x01000061, "VALIDATE_COMMON_PROPERTIES"},
    {0x01000065, "GET_COMMON_PROPERTY_FMTS"},
    {0x01000079, "ENUM_PRIVATE_PROPERTIES"},
    {0x0100007D, "GET_RO_PRIVATE_PROPERTIES"},
    {0x01000081, "GET_PRIVATE_PROPERTIES"},
    {0x01400086, "SET_PRIVATE_PROPERTIES"},
    {0x01000089, "VALIDATE_PRIVATE_PROPERTIES"},
    {0x0100008D, "GET_PRIVATE_PROPERTY_FMTS"},
    {0x014000A2, "ADD_REGISTRY_CHECKPOINT"},
    {0x014000A6, "DELETE_REGISTRY_CHECKPOINT"},
    {0x010000A9, "GET_REGISTRY_CHECKPOINTS"},
    {0x014000AE, "ADD_CRYPTO_CHECKPOINT"},
    {0x014000B2, "DELETE_CRYPTO_CHECKPOINT"},
    {0x010000B5, "GET_CRYPTO_CHECKPOINTS"},
    {0x014000BA, "UPGRADE_DLL"},
    {0x014000BE, "ADD_REGISTRY_CHECKPOINT_64BIT"},
    {0x014000C2, "ADD_REGISTRY_CHECKPOINT_32BIT"},
    {0x010000C9, "GET_LOADBAL_PROCESS_LIST"},
    {0x01000169, "GET_NETWORK_NAME"},
    {0x0100016D, "NETNAME_GET_VIRTUAL_SERVER_TOKEN"},
    {0x01000172, "NETNAME_REGISTER_DNS_RECORDS"},
    {0x01000175, "GET_DNS_NAME"},
    {0x01000191, "STORAGE_GET_DISK_INFO"},
    {0x01000199, "STORAGE_IS_PATH_VALID"},
    {0x010001B9, "QUERY_DELETE"},
    {0x014001BE, "IPADDRESS_RENEW_LEASE"},
    {0x014001C2, "IPADDRESS_RELEASE_LEASE"},
    {0x010001E1, "QUERY_MAINTENANCE_MODE"},
    {0x014001E6, "SET_MAINTENANCE_MODE"},
    {0x010001F1, "STORAGE_GET_DISK_INFO_EX"},
    {0x010001F9, "STORAGE_GET_DISK_INFO_EX2"},
    {0x01000211, "STORAGE_GET_MOUNTPOINTS"},
    {0x01000219, "STORAGE_GET_DIRTY"},
    {0x01000225, "STORAGE_GET_SHARED_VOLUME_INFO"},
    {0x0140028A, "ENABLE_SHARED_VOLUME_DIRECTIO"},
    {0x0140028E, "DISABLE_SHARED_VOLUME_DIRECTIO"},
    {0x01400296, "SET_CSV_MAINTENANCE_MODE"},
    {0x0140029A, "SET_SHARED_VOLUME_BACKUP_MODE"},
    {0x014002AE, "RW_MODIFY_NOOP"},
    {0x010002B1, "IS_QUORUM_BLOCKED"},
    {0x010002B5, "POOL_GET_DRIVE_INFO"},
    {0x014002D6, "ADD_CRYPTO_CHECKPOINT_EX"},
    {0x014020EA, "PREPARE_UPGRADE"},
    {0x014020EE, "UPGRADE_COMPLETED"},
    {0x01002D5D, "GET_STATE_CHANGE_TIME"},
    {0x01500006, "DELETE"},
    {0x0150000A, "INSTALL_NODE"},
    {0x0150000E, "EVICT_NODE"},
    {0x01500012, "ADD_DEPENDENCY"},
    {0x01500016, "REMOVE_DEPENDENCY"},
    {0x0150001A, "ADD_OWNER"},
    {0x0150001E, "REMOVE_OWNER"},
    {0x01500026, "SET_NAME"},
    {0x0150002A, "CLUSTER_NAME_CHANGED"},
    {0x0150002E, "CLUSTER_VERSION_CHANGED"},
    {0x01500046, "FORCE_QUORUM"},
    {0x0150004A, "INITIALIZE"},
    {0x0150004E, "STATE_CHANGE_REASON"},
    {0x01500052, "PROVIDER_STATE_CHANGE"},
    {0x01500056, "LEAVING_GROUP"},
    {0x0150005A, "JOINING_GROUP"},
    {0x0110005D, "FSWITNESS_GET_EPOCH_INFO"},
    {0x01500062, "FSWITNESS_SET_EPOCH_INFO"},
    {0x01500066, "FSWITNESS_RELEASE_LOCK"},
    {0x0150006A, "NETNAME_CREDS_NOTIFYCAM"},
    {0x0150007E, "NOTIFY_QUORUM_STATUS"},
    {0x01500086, "UNDELETE"},
    {0x011020E9, "GET_OPERATION_CONTEXT"},
    {0x01502122, "NOTIFY_OWNER_CHANGE"},
    {0x01102125, "VALIDATE_CHANGE_GROUP"},
    {0x0110212D, "CHECK_DRAIN_VETO"},
    {0x01102131, "NOTIFY_DRAIN_COMPLETE"},
};

constexpr Documented typeCodes[] = {
    {0x02000000, "UNKNOWN"},
    {0x02000005, "GET_CHARACTERISTICS"},
    {0x02000009, "GET_FLAGS"},
    {0x0200000D, "GET_CLASS_INFO"},
    {0x02000011, "GET_REQUIRED_DEPENDENCIES"},
    {0x02000015, "GET_ARB_TIMEOUT"},
    {0x02000051, "ENUM_COMMON_PROPERTIES"},
    {0x02000055, "GET_RO_COMMON_PROPERTIES"},
    {0x02000059, "GET_COMMON_PROPERTIES"},
    {0x0240005E, "SET_COMMON_PROPERTIES"},
    {0x02000061, "VALIDATE_COMMON_PROPERTIES"},
    {0x02000065, "GET_COMMON_PROPERTY_FMTS"},
    {0x02000069, "GET_COMMON_RESOURCE_PROPERTY_FMTS"},
    {0x02000079, "ENUM_PRIVATE_PROPERTIES"},
    {0x0200007D, "GET_RO_PRIVATE_PROPERTIES"},
    {0x02000081, "GET_PRIVATE_PROPERTIES"},
    {0x02400086, "SET_PRIVATE_PROPERTIES"},
    {0x02000089, "VALIDATE_PRIVATE_PROPERTIES"},
    {0x0200008D, "GET_PRIVATE_PROPERTY_FMTS"},
    {0x02000091, "GET_PRIVATE_RESOURCE_PROPERTY_FMTS"},
    {0x020000A9, "GET_REGISTRY_CHECKPOINTS"},
    {0x020000B5, "GET_CRYPTO_CHECKPOINTS"},
    {0x02000195, "STORAGE_GET_AVAILABLE_DISKS"},
    {0x020001B9, "QUERY_DELETE"},
    {0x020001F5, "STORAGE_GET_AVAILABLE_DISKS_EX"},
    {0x0200022D, "STORAGE_GET_RESOURCEID"},
    {0x02000231, "VALIDATE_PATH"},
    {0x02000235, "VALIDATE_NETNAME"},
    {0x02000239, "VALIDATE_DIRECTORY"},
    {0x024020EA, "PREPARE_UPGRADE"},
    {0x024020EE, "UPGRADE_COMPLETED"},
    {0x0250000A, "INSTALL_NODE"},
    {0x0250000E, "EVICT_NODE"},
    {0x0250002E, "CLUSTER_VERSION_CHANGED"},
    {0x02500032, "FIXUP_ON_UPGRADE"},
    {0x02500036, "STARTING_PHASE1"},
    {0x0250003A, "STARTING_PHASE2"},
    {0x0250003E, "HOLD_IO"},
    {0x02500042, "RESUME_IO"},
    {0x02100081, "NOTIFY_MONITOR_SHUTTING_DOWN"},
};

}  // namespace

TEST_CASE("W-601 each code of 7.2 and 7.3 is composed to its documented value") {
    const auto names = controlNames();
    REQUIRE(names.size() == std::size(resourceCodes) + std::size(typeCodes));
    std::size_t index = 0;
    const auto compare = [&](const Documented& row) {
        CAPTURE(row.name);
        CHECK(names[index].code == row.value);
        CHECK(names[index].name == row.name);
        CHECK(controlName(row.value) == row.name);
        ++index;
    };
    for (const auto& row : resourceCodes) compare(row);
    for (const auto& row : typeCodes) compare(row);
    std::set<Dword> values;
    for (const auto& known : names) CHECK(values.insert(known.code).second);
    CHECK(controlName(0x0100BEEF).empty());
}

TEST_CASE("W-604 W-612 a code taken apart and put together is the same code") {
    for (const auto& known : controlNames()) {
        CAPTURE(known.name);
        const auto object = control::objectOf(known.code);
        const auto access = control::accessOf(known.code);
        const Dword function = (known.code & 0x000F'FFFFU) >> 2U;
        const bool modify = (known.code & control::modifyBit) != 0;
        const bool isInternal = (known.code & control::internalBit) != 0;
        CHECK((object == ControlObject::resource || object == ControlObject::resourceType));
        CHECK(known.code == (isInternal ? control::internal(object, function, access, modify)
                                        : control::external(object, function, access, modify)));
        CHECK(control::functionField(known.code) == (known.code & 0x003FFFFF));
        CHECK((known.code & (control::userBit | control::globalBit)) == 0);
        CHECK_FALSE(isUserControl(known.code));
    }
    CHECK(static_cast<int>(ControlObject::group) == 3);
    CHECK(static_cast<int>(ControlObject::cluster) == 7);
    CHECK(static_cast<int>(ControlObject::user) == 128);
}

TEST_CASE("W-613 user codes have the header's arithmetic and the access that its macro leaves out") {
    CHECK(control::user(ControlObject::resource, 1, ControlAccess::any) == 0x01800004);
    CHECK(control::user(ControlObject::resource, 1, ControlAccess::read) == 0x01800005);
    CHECK(control::user(ControlObject::resourceType, control::highestUserFunction, ControlAccess::write) == 0x028FFFFE);
    CHECK(control::typeGetTraits == 0x02812119);
    CHECK(isUserControl(0x01800004));
    CHECK(isUserControl(control::typeGetTraits));
    CHECK_FALSE(isUserControl(0x01C00212));  // STORAGE_CLUSTER_DISK
    CHECK_FALSE(isUserControl(0x01C0018A));  // NETNAME_CREDS_UPDATED
}

TEST_CASE("W-614 where headers disagree the newer one rules") {
    CHECK(controlName(0x014020EA) == "PREPARE_UPGRADE");  // external and modify, although the page says internal
    CHECK(controlName(0x014020EE) == "UPGRADE_COMPLETED");
    CHECK(control::external(ControlObject::resource, 145, ControlAccess::write, true) ==
          0x01400246);                                                                          // FILESERVER_SHARE_ADD
    CHECK(control::external(ControlObject::resource, 138, ControlAccess::read) == 0x01000229);  // STORAGE_IS_CSV_FILE
}
