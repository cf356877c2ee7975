// Names of a gateway's record files, one for each rotation: for path "/var/lib/phoenix/gateway.h5"
// they are "/var/lib/phoenix/gateway-20261124T033000.h5" and so on, by the UTC second they began,
// with "-02" and so on where a second has several.
#pragma once

#include <chrono>
#include <string>

namespace phoenix::gateway {

// A name that no file, finished or not, has.
std::string new_record_path(const std::string& path, std::chrono::system_clock::time_point now);

// Removes all but the newest `keep` finished records of this path, and of the parts that dead
// writers left as many. Touches no other file.
void remove_old_records(const std::string& path, int keep);

}  // namespace phoenix::gateway
