// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/control_codes.hpp>

#include <algorithm>
#include <iterator>

namespace holdfast::inline v1::abi {
namespace {

constexpr auto read = ControlAccess::read;
constexpr auto write = ControlAccess::write;

constexpr Dword resource(Dword function, ControlAccess access, bool modify = false) {
    return control::external(ControlObject::resource, function, access, modify);
}
constexpr Dword resourceInternal(Dword function, ControlAccess access, bool modify = true) {
    return control::internal(ControlObject::resource, function, access, modify);
}
constexpr Dword type(Dword function, ControlAccess access, bool modify = false) {
    return control::external(ControlObject::resourceType, function, access, modify);
}
constexpr Dword typeInternal(Dword function, ControlAccess access, bool modify = true) {
    return control::internal(ControlObject::resourceType, function, access, modify);
}

// Function numbers 6, 93, 111, 112, 126, 139, 171 to 173, 181, 2106 to 2124, 2903 and the internal 31 to 33 are of newer
// headers than MinGW's.
constexpr ControlName names[] = {
    {resource(0, ControlAccess::any), "UNKNOWN"},
    {resource(1, read), "GET_CHARACTERISTICS"},
    {resource(2, read), "GET_FLAGS"},
    {resource(3, read), "GET_CLASS_INFO"},
    {resource(4, read), "GET_REQUIRED_DEPENDENCIES"},
    {resource(5, read), "GET_ARB_TIMEOUT"},
    {resource(6, read), "GET_FAILURE_INFO"},
    {resource(10, read), "GET_NAME"},
    {resource(11, read), "GET_RESOURCE_TYPE"},
    {resource(14, read), "GET_ID"},
    {resource(20, read), "ENUM_COMMON_PROPERTIES"},
    {resource(21, read), "GET_RO_COMMON_PROPERTIES"},
    {resource(22, read), "GET_COMMON_PROPERTIES"},
    {resource(23, write, true), "SET_COMMON_PROPERTIES"},
    {resource(24, read), "VALIDATE_COMMON_PROPERTIES"},
    {resource(25, read), "GET_COMMON_PROPERTY_FMTS"},
    {resource(30, read), "ENUM_PRIVATE_PROPERTIES"},
    {resource(31, read), "GET_RO_PRIVATE_PROPERTIES"},
    {resource(32, read), "GET_PRIVATE_PROPERTIES"},
    {resource(33, write, true), "SET_PRIVATE_PROPERTIES"},
    {resource(34, read), "VALIDATE_PRIVATE_PROPERTIES"},
    {resource(35, read), "GET_PRIVATE_PROPERTY_FMTS"},
    {resource(40, write, true), "ADD_REGISTRY_CHECKPOINT"},
    {resource(41, write, true), "DELETE_REGISTRY_CHECKPOINT"},
    {resource(42, read), "GET_REGISTRY_CHECKPOINTS"},
    {resource(43, write, true), "ADD_CRYPTO_CHECKPOINT"},
    {resource(44, write, true), "DELETE_CRYPTO_CHECKPOINT"},
    {resource(45, read), "GET_CRYPTO_CHECKPOINTS"},
    {resource(46, write, true), "UPGRADE_DLL"},
    {resource(47, write, true), "ADD_REGISTRY_CHECKPOINT_64BIT"},
    {resource(48, write, true), "ADD_REGISTRY_CHECKPOINT_32BIT"},
    {resource(50, read), "GET_LOADBAL_PROCESS_LIST"},
    {resource(90, read), "GET_NETWORK_NAME"},
    {resource(91, read), "NETNAME_GET_VIRTUAL_SERVER_TOKEN"},
    {resource(92, write), "NETNAME_REGISTER_DNS_RECORDS"},
    {resource(93, read), "GET_DNS_NAME"},
    {resource(100, read), "STORAGE_GET_DISK_INFO"},
    {resource(102, read), "STORAGE_IS_PATH_VALID"},
    {resource(110, read), "QUERY_DELETE"},
    {resource(111, write, true), "IPADDRESS_RENEW_LEASE"},
    {resource(112, write, true), "IPADDRESS_RELEASE_LEASE"},
    {resource(120, read), "QUERY_MAINTENANCE_MODE"},
    {resource(121, write, true), "SET_MAINTENANCE_MODE"},
    {resource(124, read), "STORAGE_GET_DISK_INFO_EX"},
    {resource(126, read), "STORAGE_GET_DISK_INFO_EX2"},
    {resource(132, read), "STORAGE_GET_MOUNTPOINTS"},
    {resource(134, read), "STORAGE_GET_DIRTY"},
    {resource(137, read), "STORAGE_GET_SHARED_VOLUME_INFO"},
    {resource(162, write, true), "ENABLE_SHARED_VOLUME_DIRECTIO"},
    {resource(163, write, true), "DISABLE_SHARED_VOLUME_DIRECTIO"},
    {resource(165, write, true), "SET_CSV_MAINTENANCE_MODE"},
    {resource(166, write, true), "SET_SHARED_VOLUME_BACKUP_MODE"},
    {resource(171, write, true), "RW_MODIFY_NOOP"},
    {resource(172, read), "IS_QUORUM_BLOCKED"},
    {resource(173, read), "POOL_GET_DRIVE_INFO"},
    {resource(181, write, true), "ADD_CRYPTO_CHECKPOINT_EX"},
    {resource(2106, write, true), "PREPARE_UPGRADE"},
    {resource(2107, write, true), "UPGRADE_COMPLETED"},
    {resource(2903, read), "GET_STATE_CHANGE_TIME"},
    {resourceInternal(1, write), "DELETE"},
    {resourceInternal(2, write), "INSTALL_NODE"},
    {resourceInternal(3, write), "EVICT_NODE"},
    {resourceInternal(4, write), "ADD_DEPENDENCY"},
    {resourceInternal(5, write), "REMOVE_DEPENDENCY"},
    {resourceInternal(6, write), "ADD_OWNER"},
    {resourceInternal(7, write), "REMOVE_OWNER"},
    {resourceInternal(9, write), "SET_NAME"},
    {resourceInternal(10, write), "CLUSTER_NAME_CHANGED"},
    {resourceInternal(11, write), "CLUSTER_VERSION_CHANGED"},
    {resourceInternal(17, write), "FORCE_QUORUM"},
    {resourceInternal(18, write), "INITIALIZE"},
    {resourceInternal(19, write), "STATE_CHANGE_REASON"},
    {resourceInternal(20, write), "PROVIDER_STATE_CHANGE"},
    {resourceInternal(21, write), "LEAVING_GROUP"},
    {resourceInternal(22, write), "JOINING_GROUP"},
    {resourceInternal(23, read, false), "FSWITNESS_GET_EPOCH_INFO"},
    {resourceInternal(24, write), "FSWITNESS_SET_EPOCH_INFO"},
    {resourceInternal(25, write), "FSWITNESS_RELEASE_LOCK"},
    {resourceInternal(26, write), "NETNAME_CREDS_NOTIFYCAM"},
    {resourceInternal(31, write), "NOTIFY_QUORUM_STATUS"},
    {resourceInternal(33, write), "UNDELETE"},
    {resourceInternal(2106, read, false), "GET_OPERATION_CONTEXT"},
    {resourceInternal(2120, write), "NOTIFY_OWNER_CHANGE"},
    {resourceInternal(2121, read, false), "VALIDATE_CHANGE_GROUP"},
    {resourceInternal(2123, read, false), "CHECK_DRAIN_VETO"},
    {resourceInternal(2124, read, false), "NOTIFY_DRAIN_COMPLETE"},
    {type(0, ControlAccess::any), "UNKNOWN"},
    {type(1, read), "GET_CHARACTERISTICS"},
    {type(2, read), "GET_FLAGS"},
    {type(3, read), "GET_CLASS_INFO"},
    {type(4, read), "GET_REQUIRED_DEPENDENCIES"},
    {type(5, read), "GET_ARB_TIMEOUT"},
    {type(20, read), "ENUM_COMMON_PROPERTIES"},
    {type(21, read), "GET_RO_COMMON_PROPERTIES"},
    {type(22, read), "GET_COMMON_PROPERTIES"},
    {type(23, write, true), "SET_COMMON_PROPERTIES"},
    {type(24, read), "VALIDATE_COMMON_PROPERTIES"},
    {type(25, read), "GET_COMMON_PROPERTY_FMTS"},
    {type(26, read), "GET_COMMON_RESOURCE_PROPERTY_FMTS"},
    {type(30, read), "ENUM_PRIVATE_PROPERTIES"},
    {type(31, read), "GET_RO_PRIVATE_PROPERTIES"},
    {type(32, read), "GET_PRIVATE_PROPERTIES"},
    {type(33, write, true), "SET_PRIVATE_PROPERTIES"},
    {type(34, read), "VALIDATE_PRIVATE_PROPERTIES"},
    {type(35, read), "GET_PRIVATE_PROPERTY_FMTS"},
    {type(36, read), "GET_PRIVATE_RESOURCE_PROPERTY_FMTS"},
    {type(42, read), "GET_REGISTRY_CHECKPOINTS"},
    {type(45, read), "GET_CRYPTO_CHECKPOINTS"},
    {type(101, read), "STORAGE_GET_AVAILABLE_DISKS"},
    {type(110, read), "QUERY_DELETE"},
    {type(125, read), "STORAGE_GET_AVAILABLE_DISKS_EX"},
    {type(139, read), "STORAGE_GET_RESOURCEID"},
    {type(140, read), "VALIDATE_PATH"},
    {type(141, read), "VALIDATE_NETNAME"},
    {type(142, read), "VALIDATE_DIRECTORY"},
    {type(2106, write, true), "PREPARE_UPGRADE"},
    {type(2107, write, true), "UPGRADE_COMPLETED"},
    {typeInternal(2, write), "INSTALL_NODE"},
    {typeInternal(3, write), "EVICT_NODE"},
    {typeInternal(11, write), "CLUSTER_VERSION_CHANGED"},
    {typeInternal(12, write), "FIXUP_ON_UPGRADE"},
    {typeInternal(13, write), "STARTING_PHASE1"},
    {typeInternal(14, write), "STARTING_PHASE2"},
    {typeInternal(15, write), "HOLD_IO"},
    {typeInternal(16, write), "RESUME_IO"},
    {typeInternal(32, read, false), "NOTIFY_MONITOR_SHUTTING_DOWN"},
};

// Codes with the global bit that are none of a user's (W-613): STORAGE_CLUSTER_DISK and NETNAME_CREDS_UPDATED.
constexpr Dword globals[] = {0x01C0'0212, 0x01C0'018A};

}  // namespace

std::span<const ControlName> controlNames() noexcept { return names; }

std::string_view controlName(Dword code) noexcept {
    for (const auto& known : names) {
        if (known.code == code) return known.name;
    }
    return {};
}

bool isUserControl(Dword code) noexcept {
    return (code & control::globalBit) != 0 &&
           std::find(std::begin(globals), std::end(globals), code) == std::end(globals);
}

}  // namespace holdfast::inline v1::abi
