// SPDX-License-Identifier: BSL-1.0
/// The codes, formats and classes against the header of the system itself. Windows only.
#include "clusapi_header.hpp"

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/property_list.hpp>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <iterator>

using namespace holdfast;
using namespace holdfast::abi;

namespace {

struct Row {
    const char* name;
    Dword value;
};

constexpr Row codes[] = {
    {"UNKNOWN", static_cast<Dword>(CLUSCTL_RESOURCE_UNKNOWN)},
    {"GET_CHARACTERISTICS", static_cast<Dword>(CLUSCTL_RESOURCE_GET_CHARACTERISTICS)},
    {"GET_FLAGS", static_cast<Dword>(CLUSCTL_RESOURCE_GET_FLAGS)},
    {"GET_CLASS_INFO", static_cast<Dword>(CLUSCTL_RESOURCE_GET_CLASS_INFO)},
    {"GET_REQUIRED_DEPENDENCIES", static_cast<Dword>(CLUSCTL_RESOURCE_GET_REQUIRED_DEPENDENCIES)},
    {"GET_NAME", static_cast<Dword>(CLUSCTL_RESOURCE_GET_NAME)},
    {"GET_RESOURCE_TYPE", static_cast<Dword>(CLUSCTL_RESOURCE_GET_RESOURCE_TYPE)},
    {"GET_ID", static_cast<Dword>(CLUSCTL_RESOURCE_GET_ID)},
    {"ENUM_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_ENUM_COMMON_PROPERTIES)},
    {"GET_RO_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_GET_RO_COMMON_PROPERTIES)},
    {"GET_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_GET_COMMON_PROPERTIES)},
    {"SET_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_SET_COMMON_PROPERTIES)},
    {"VALIDATE_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_VALIDATE_COMMON_PROPERTIES)},
    {"GET_COMMON_PROPERTY_FMTS", static_cast<Dword>(CLUSCTL_RESOURCE_GET_COMMON_PROPERTY_FMTS)},
    {"ENUM_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES)},
    {"GET_RO_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES)},
    {"GET_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES)},
    {"SET_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES)},
    {"VALIDATE_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES)},
    {"GET_PRIVATE_PROPERTY_FMTS", static_cast<Dword>(CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTY_FMTS)},
    {"ADD_REGISTRY_CHECKPOINT", static_cast<Dword>(CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT)},
    {"DELETE_REGISTRY_CHECKPOINT", static_cast<Dword>(CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT)},
    {"GET_REGISTRY_CHECKPOINTS", static_cast<Dword>(CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS)},
    {"ADD_CRYPTO_CHECKPOINT", static_cast<Dword>(CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT)},
    {"DELETE_CRYPTO_CHECKPOINT", static_cast<Dword>(CLUSCTL_RESOURCE_DELETE_CRYPTO_CHECKPOINT)},
    {"GET_CRYPTO_CHECKPOINTS", static_cast<Dword>(CLUSCTL_RESOURCE_GET_CRYPTO_CHECKPOINTS)},
    {"UPGRADE_DLL", static_cast<Dword>(CLUSCTL_RESOURCE_UPGRADE_DLL)},
    {"ADD_REGISTRY_CHECKPOINT_64BIT", static_cast<Dword>(CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_64BIT)},
    {"ADD_REGISTRY_CHECKPOINT_32BIT", static_cast<Dword>(CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT_32BIT)},
    {"GET_LOADBAL_PROCESS_LIST", static_cast<Dword>(CLUSCTL_RESOURCE_GET_LOADBAL_PROCESS_LIST)},
    {"GET_NETWORK_NAME", static_cast<Dword>(CLUSCTL_RESOURCE_GET_NETWORK_NAME)},
    {"NETNAME_GET_VIRTUAL_SERVER_TOKEN", static_cast<Dword>(CLUSCTL_RESOURCE_NETNAME_GET_VIRTUAL_SERVER_TOKEN)},
    {"NETNAME_REGISTER_DNS_RECORDS", static_cast<Dword>(CLUSCTL_RESOURCE_NETNAME_REGISTER_DNS_RECORDS)},
    {"STORAGE_GET_DISK_INFO", static_cast<Dword>(CLUSCTL_RESOURCE_STORAGE_GET_DISK_INFO)},
    {"STORAGE_IS_PATH_VALID", static_cast<Dword>(CLUSCTL_RESOURCE_STORAGE_IS_PATH_VALID)},
    {"QUERY_DELETE", static_cast<Dword>(CLUSCTL_RESOURCE_QUERY_DELETE)},
    {"QUERY_MAINTENANCE_MODE", static_cast<Dword>(CLUSCTL_RESOURCE_QUERY_MAINTENANCE_MODE)},
    {"SET_MAINTENANCE_MODE", static_cast<Dword>(CLUSCTL_RESOURCE_SET_MAINTENANCE_MODE)},
    {"STORAGE_GET_DISK_INFO_EX", static_cast<Dword>(CLUSCTL_RESOURCE_STORAGE_GET_DISK_INFO_EX)},
    {"STORAGE_GET_MOUNTPOINTS", static_cast<Dword>(CLUSCTL_RESOURCE_STORAGE_GET_MOUNTPOINTS)},
    {"STORAGE_GET_DIRTY", static_cast<Dword>(CLUSCTL_RESOURCE_STORAGE_GET_DIRTY)},
    {"STORAGE_GET_SHARED_VOLUME_INFO", static_cast<Dword>(CLUSCTL_RESOURCE_STORAGE_GET_SHARED_VOLUME_INFO)},
    {"ENABLE_SHARED_VOLUME_DIRECTIO", static_cast<Dword>(CLUSCTL_RESOURCE_ENABLE_SHARED_VOLUME_DIRECTIO)},
    {"DISABLE_SHARED_VOLUME_DIRECTIO", static_cast<Dword>(CLUSCTL_RESOURCE_DISABLE_SHARED_VOLUME_DIRECTIO)},
    {"SET_CSV_MAINTENANCE_MODE", static_cast<Dword>(CLUSCTL_RESOURCE_SET_CSV_MAINTENANCE_MODE)},
    {"SET_SHARED_VOLUME_BACKUP_MODE", static_cast<Dword>(CLUSCTL_RESOURCE_SET_SHARED_VOLUME_BACKUP_MODE)},
    {"DELETE", static_cast<Dword>(CLUSCTL_RESOURCE_DELETE)},
    {"INSTALL_NODE", static_cast<Dword>(CLUSCTL_RESOURCE_INSTALL_NODE)},
    {"EVICT_NODE", static_cast<Dword>(CLUSCTL_RESOURCE_EVICT_NODE)},
    {"ADD_DEPENDENCY", static_cast<Dword>(CLUSCTL_RESOURCE_ADD_DEPENDENCY)},
    {"REMOVE_DEPENDENCY", static_cast<Dword>(CLUSCTL_RESOURCE_REMOVE_DEPENDENCY)},
    {"ADD_OWNER", static_cast<Dword>(CLUSCTL_RESOURCE_ADD_OWNER)},
    {"REMOVE_OWNER", static_cast<Dword>(CLUSCTL_RESOURCE_REMOVE_OWNER)},
    {"SET_NAME", static_cast<Dword>(CLUSCTL_RESOURCE_SET_NAME)},
    {"CLUSTER_NAME_CHANGED", static_cast<Dword>(CLUSCTL_RESOURCE_CLUSTER_NAME_CHANGED)},
    {"CLUSTER_VERSION_CHANGED", static_cast<Dword>(CLUSCTL_RESOURCE_CLUSTER_VERSION_CHANGED)},
    {"FORCE_QUORUM", static_cast<Dword>(CLUSCTL_RESOURCE_FORCE_QUORUM)},
    {"INITIALIZE", static_cast<Dword>(CLUSCTL_RESOURCE_INITIALIZE)},
    {"STATE_CHANGE_REASON", static_cast<Dword>(CLUSCTL_RESOURCE_STATE_CHANGE_REASON)},
    {"PROVIDER_STATE_CHANGE", static_cast<Dword>(CLUSCTL_RESOURCE_PROVIDER_STATE_CHANGE)},
    {"LEAVING_GROUP", static_cast<Dword>(CLUSCTL_RESOURCE_LEAVING_GROUP)},
    {"JOINING_GROUP", static_cast<Dword>(CLUSCTL_RESOURCE_JOINING_GROUP)},
    {"FSWITNESS_GET_EPOCH_INFO", static_cast<Dword>(CLUSCTL_RESOURCE_FSWITNESS_GET_EPOCH_INFO)},
    {"FSWITNESS_SET_EPOCH_INFO", static_cast<Dword>(CLUSCTL_RESOURCE_FSWITNESS_SET_EPOCH_INFO)},
    {"FSWITNESS_RELEASE_LOCK", static_cast<Dword>(CLUSCTL_RESOURCE_FSWITNESS_RELEASE_LOCK)},
    {"UNKNOWN", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_UNKNOWN)},
    {"GET_CHARACTERISTICS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_CHARACTERISTICS)},
    {"GET_FLAGS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_FLAGS)},
    {"GET_CLASS_INFO", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_CLASS_INFO)},
    {"GET_REQUIRED_DEPENDENCIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_REQUIRED_DEPENDENCIES)},
    {"GET_ARB_TIMEOUT", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_ARB_TIMEOUT)},
    {"ENUM_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_ENUM_COMMON_PROPERTIES)},
    {"GET_RO_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_RO_COMMON_PROPERTIES)},
    {"GET_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_COMMON_PROPERTIES)},
    {"SET_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_SET_COMMON_PROPERTIES)},
    {"VALIDATE_COMMON_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_VALIDATE_COMMON_PROPERTIES)},
    {"GET_COMMON_PROPERTY_FMTS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_COMMON_PROPERTY_FMTS)},
    {"GET_COMMON_RESOURCE_PROPERTY_FMTS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_COMMON_RESOURCE_PROPERTY_FMTS)},
    {"ENUM_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_ENUM_PRIVATE_PROPERTIES)},
    {"GET_RO_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_RO_PRIVATE_PROPERTIES)},
    {"GET_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_PROPERTIES)},
    {"SET_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_SET_PRIVATE_PROPERTIES)},
    {"VALIDATE_PRIVATE_PROPERTIES", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_VALIDATE_PRIVATE_PROPERTIES)},
    {"GET_PRIVATE_PROPERTY_FMTS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_PROPERTY_FMTS)},
    {"GET_PRIVATE_RESOURCE_PROPERTY_FMTS",
     static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_RESOURCE_PROPERTY_FMTS)},
    {"GET_REGISTRY_CHECKPOINTS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_REGISTRY_CHECKPOINTS)},
    {"GET_CRYPTO_CHECKPOINTS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_GET_CRYPTO_CHECKPOINTS)},
    {"STORAGE_GET_AVAILABLE_DISKS", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_STORAGE_GET_AVAILABLE_DISKS)},
    {"QUERY_DELETE", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_QUERY_DELETE)},
    {"INSTALL_NODE", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_INSTALL_NODE)},
    {"EVICT_NODE", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_EVICT_NODE)},
    {"CLUSTER_VERSION_CHANGED", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_CLUSTER_VERSION_CHANGED)},
    {"FIXUP_ON_UPGRADE", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_FIXUP_ON_UPGRADE)},
    {"STARTING_PHASE1", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_STARTING_PHASE1)},
    {"STARTING_PHASE2", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_STARTING_PHASE2)},
    {"HOLD_IO", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_HOLD_IO)},
    {"RESUME_IO", static_cast<Dword>(CLUSCTL_RESOURCE_TYPE_RESUME_IO)},
};

}  // namespace

TEST_CASE("W-601 the codes that MinGW's header has are the header's") {
    for (const auto& row : codes) {
        CAPTURE(row.name);
        CHECK(controlName(row.value) == row.name);
    }
    CHECK(std::size(codes) >= 90);
}

TEST_CASE("W-604 W-612 W-613 composition and extraction are the header's macros") {
    CHECK(control::resourceSetPrivateProperties ==
          CLCTL_EXTERNAL_CODE(33, CLUS_ACCESS_WRITE, CLUS_MODIFY) + (CLUS_OBJECT_RESOURCE << CLUSCTL_OBJECT_SHIFT));
    for (const Dword function : {0U, 1U, 2'105U, 0x4846U, control::highestUserFunction}) {
        CHECK(control::user(ControlObject::resource, function, ControlAccess::any) ==
              static_cast<Dword>(CLUSCTL_USER_CODE(function, CLUS_OBJECT_RESOURCE)));
        CHECK(control::user(ControlObject::resourceType, function, ControlAccess::read) ==
              static_cast<Dword>(CLUSCTL_USER_CODE(function, CLUS_OBJECT_RESOURCE_TYPE) | CLUS_ACCESS_READ));
    }
    for (const auto& known : controlNames()) {
        CHECK(control::functionField(known.code) == static_cast<Dword>(CLUSCTL_GET_CONTROL_FUNCTION(known.code)));
        CHECK(static_cast<Dword>(control::accessOf(known.code)) ==
              static_cast<Dword>(CLUSCTL_GET_ACCESS_MODE(known.code)));
        CHECK(static_cast<Dword>(control::objectOf(known.code)) ==
              static_cast<Dword>(CLUSCTL_GET_CONTROL_OBJECT(known.code)));
    }
    CHECK(static_cast<int>(ControlObject::group) == CLUS_OBJECT_GROUP);
    CHECK(static_cast<int>(ControlObject::netInterface) == CLUS_OBJECT_NETINTERFACE);
    CHECK(static_cast<int>(ControlObject::cluster) == CLUS_OBJECT_CLUSTER);
    CHECK(static_cast<int>(ControlObject::user) == CLUS_OBJECT_USER);
}

TEST_CASE("W-510 W-902 W-903 formats, syntaxes, classes and characteristics are the header's") {
    CHECK(static_cast<int>(PropertyFormat::binary) == CLUSPROP_FORMAT_BINARY);
    CHECK(static_cast<int>(PropertyFormat::dword) == CLUSPROP_FORMAT_DWORD);
    CHECK(static_cast<int>(PropertyFormat::sz) == CLUSPROP_FORMAT_SZ);
    CHECK(static_cast<int>(PropertyFormat::expandSz) == CLUSPROP_FORMAT_EXPAND_SZ);
    CHECK(static_cast<int>(PropertyFormat::multiSz) == CLUSPROP_FORMAT_MULTI_SZ);
    CHECK(static_cast<int>(PropertyFormat::ulargeInteger) == CLUSPROP_FORMAT_ULARGE_INTEGER);
    CHECK(static_cast<int>(PropertyFormat::longInteger) == CLUSPROP_FORMAT_LONG);
    CHECK(static_cast<int>(PropertyFormat::expandedSz) == CLUSPROP_FORMAT_EXPANDED_SZ);
    CHECK(static_cast<int>(PropertyFormat::securityDescriptor) == CLUSPROP_FORMAT_SECURITY_DESCRIPTOR);
    CHECK(static_cast<int>(PropertyFormat::largeInteger) == CLUSPROP_FORMAT_LARGE_INTEGER);
    CHECK(static_cast<int>(PropertyFormat::word) == CLUSPROP_FORMAT_WORD);
    CHECK(static_cast<int>(PropertyFormat::user) == CLUSPROP_FORMAT_USER);
    CHECK(syntax::name == static_cast<Dword>(CLUSPROP_SYNTAX_NAME));
    CHECK(syntax::resourceClass == static_cast<Dword>(CLUSPROP_SYNTAX_RESCLASS));
    CHECK(syntax::endMark == static_cast<Dword>(CLUSPROP_SYNTAX_ENDMARK));
    CHECK((syntax::listValue | 2U) == static_cast<Dword>(CLUSPROP_SYNTAX_LIST_VALUE_DWORD));
    CHECK(static_cast<int>(ResourceClass::storage) == CLUS_RESCLASS_STORAGE);
    CHECK(static_cast<int>(ResourceClass::user) == CLUS_RESCLASS_USER);
    CHECK(static_cast<int>(Characteristic::deleteRequiresAllNodes) == CLUS_CHAR_DELETE_REQUIRES_ALL_NODES);
    CHECK(static_cast<int>(Characteristic::requiresStateChangeReason) == CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON);
    CHECK(static_cast<int>(Characteristic::broadcastDelete) == CLUS_CHAR_BROADCAST_DELETE);
    CHECK(static_cast<int>(Characteristic::singleClusterInstance) == CLUS_CHAR_SINGLE_CLUSTER_INSTANCE);
    CHECK(static_cast<int>(Characteristic::singleGroupInstance) == CLUS_CHAR_SINGLE_GROUP_INSTANCE);
}
