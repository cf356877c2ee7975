#include <algorithm>
#include <array>
#include <optional>

#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

struct Resource {
  std::string name;
  double scale_out = 0.8;
  double scale_in = 0.3;

  void visit(SettingVisitor& v) {
    v.number("scale_out", scale_out, 1e-9, 1e12, "grows when above");
    v.number("scale_in", scale_in, 0, 1e12, "shrinks when all are below theirs");
  }
};

struct KnownResource {
  std::string_view name;
  std::string_view metric;
};
constexpr std::array<KnownResource, 4> kResources = {{{"cpu", metric::kCpu},
                                                      {"memory", metric::kMemory},
                                                      {"network", metric::kNetwork},
                                                      {"disk", metric::kDisk}}};

std::string_view metric_of(std::string_view resource) {
  for (const KnownResource& known : kResources) {
    if (known.name == resource) return known.metric;
  }
  return {};
}

Result<Resource> parse_resource(const std::string& text) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed) return Error{parsed.error()};
  Resource resource;
  resource.name = parsed->name;
  if (metric_of(resource.name).empty()) {
    return Error{"unknown resource \"" + resource.name + "\" (known: cpu, memory, network, disk)"};
  }
  const Status applied = apply_settings(*parsed, [&](SettingVisitor& v) { resource.visit(v); });
  if (!applied) return Error{applied.error()};
  if (!(resource.scale_in < resource.scale_out)) {
    return Error{resource.name + ": scale_in must be below scale_out"};
  }
  return resource;
}

struct ResourceOptions {
  std::vector<std::string> resources{"cpu[scale_out=0.8, scale_in=0.3]",
                                     "memory[scale_out=0.85, scale_in=0.4]",
                                     "network[scale_out=0.9, scale_in=0.4]"};
  int scale_increment = 2;
  int scale_decrement = 1;
  int min_capacity = 1;
  int max_capacity = 20;

  void visit(SettingVisitor& v) {
    v.list("resources", resources, "cpu, memory, network, disk [scale_out, scale_in]",
           "what is looked at, each with its thresholds");
    v.integer("scale_increment", scale_increment, 1, kMostNodes, "nodes of a step out");
    v.integer("scale_decrement", scale_decrement, 1, kMostNodes, "nodes of a step in");
    v.integer("min_capacity", min_capacity, 0, kMostNodes, "does not shrink below this");
    v.integer("max_capacity", max_capacity, 1, kMostNodes, "does not grow above this");
  }

  Status check() const {
    if (resources.empty()) return Error{"resources must not be empty"};
    for (const std::string& text : resources) {
      const Result<Resource> parsed = parse_resource(text);
      if (!parsed) return Error{parsed.error()};
    }
    if (min_capacity > max_capacity) return Error{"min_capacity is above max_capacity"};
    return success();
  }
};

// Any resource that is high grows the cluster; it shrinks only when all are low. One idle resource
// says nothing about the others.
class ResourceRule : public Scaler {
 public:
  explicit ResourceRule(ResourceOptions options) : options_(std::move(options)) {
    for (const std::string& text : options_.resources) {
      resources_.push_back(*parse_resource(text));
    }
  }

  ScalingWish wish(const ScalingView& view) override {
    const int current = view.capacity.supply();
    ScalingWish wish;
    const Resource* critical = nullptr;
    double critical_value = 0;
    bool all_low = true;
    std::string unknown;
    for (const Resource& resource : resources_) {
      const double measured = view.metrics->latest(metric_of(resource.name)).value;
      if (std::isnan(measured)) {
        unknown += (unknown.empty() ? "" : ", ") + resource.name;
        continue;
      }
      const double value = once_ready(measured, view.capacity);
      wish.seen += (wish.seen.empty() ? "" : ", ") + resource.name + ' ' + short_number(value);
      all_low = all_low && value < resource.scale_in;
      if (value > resource.scale_out && (critical == nullptr || value > critical_value)) {
        critical = &resource;
        critical_value = value;
      }
    }
    if (wish.seen.empty()) return unknown_wish("resource", unknown);
    wish.blocks_scale_in = !unknown.empty();
    wish.desired = current;
    if (critical != nullptr) {
      wish.desired = grown(current, current + options_.scale_increment, options_.max_capacity);
      wish.reason = "resource: " + critical->name + ' ' + short_number(critical_value) + " > " +
                    short_number(critical->scale_out);
    } else if (!unknown.empty()) {
      wish.reason = "resource: " + unknown + " is not known";
    } else if (all_low) {
      wish.desired = shrunk(current, current - options_.scale_decrement, options_.min_capacity);
      wish.reason = "resource: all are low";
    } else {
      wish.reason = "resource: none is high, not all are low";
    }
    return wish;
  }

 private:
  ResourceOptions options_;
  std::vector<Resource> resources_;
};

}  // namespace

ScalerEntry resource_scaler() {
  return strategy_entry<Scaler, ResourceRule, ResourceOptions>(
      "resource", "a step out when any resource is high, in when all are low");
}

}  // namespace phoenix
