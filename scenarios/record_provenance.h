// Where a record comes from: scenario, seed, program, machine and moment as root attributes, and
// the names behind the ids of its tables.
#pragma once

#include <string_view>

#include "scenarios/hdf5_handle.h"
#include "scenarios/record_writer.h"
#include "scenarios/scenario.h"

namespace phoenix {

// Texts longer than this are u1 datasets: an attribute must stay below 64 KiB.
inline constexpr std::size_t kLongestTextAttribute = 60 * 1024;

// Of any length. False, as below, where HDF5 refuses; hdf5_reason() says why.
bool write_long_text(hid_t object, const char* name, std::string_view text);

bool write_provenance(hid_t file, const Scenario& scenario, const RecordOrigin& origin);

// The lookup tables names/<kind>: fixed texts, index = id.
bool write_names(hid_t file, const Scenario& scenario, const RecordOrigin& origin);

}  // namespace phoenix
