// Dense identifiers. State is kept in arrays indexed by them, and ties are broken by them, so the
// same run gives the same answer on every machine. Ids of removed things are never given out again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace phoenix {

enum class NodeId : std::uint32_t {};
enum class ServiceId : std::uint32_t {};
enum class ClassId : std::uint32_t {};  // request class, numbered across all services
enum class GatewayId : std::uint32_t {};
enum class AgentId : std::uint32_t {};  // one instance of a service
enum class ZoneId : std::uint32_t {};   // a place whose parts are near each other

inline constexpr NodeId kNoNode{0xffffffffU};
inline constexpr AgentId kNoAgent{0xffffffffU};
inline constexpr ZoneId kNoZone{0xffffffffU};  // nobody said

template <class Id>
constexpr std::size_t index(Id id) {
  return static_cast<std::size_t>(id);
}

template <class Id>
constexpr Id id_at(std::size_t i) {
  return static_cast<Id>(static_cast<std::uint32_t>(i));
}

}  // namespace phoenix
