#include "runtime/node/services.h"

#include <cassert>
#include <mutex>
#include <thread>
#include <utility>

namespace phoenix::node {

struct Services::Answer {
  ReturnAddress to;
  std::size_t service = 0;
  std::size_t request_bytes = 0;
  Time came = kStart;
  std::uint32_t load = 0;  // requests there when it came
  CallReply reply;
};

// Answers on their way to the loop's thread. Outlives the services as long as a call does.
struct Services::Outbox : std::enable_shared_from_this<Services::Outbox> {
  const std::thread::id loop_thread = std::this_thread::get_id();
  std::mutex mutex;
  Services* services = nullptr;  // null once they are gone
  std::vector<Answer> waiting;

  void take(Answer answer) {
    if (std::this_thread::get_id() == loop_thread) {
      if (services != nullptr) services->deliver(std::move(answer));
      return;
    }
    const std::lock_guard lock(mutex);
    if (services == nullptr) return;
    waiting.push_back(std::move(answer));
    if (waiting.size() > 1) return;  // the first one has posted
    services->loop_.post([outbox = shared_from_this()] { outbox->empty(); });
  }

  void empty() {
    std::vector<Answer> answers;
    {
      const std::lock_guard lock(mutex);
      answers.swap(waiting);
    }
    for (Answer& answer : answers) {
      if (services != nullptr) services->deliver(std::move(answer));
    }
  }

  void close() {
    const std::lock_guard lock(mutex);
    services = nullptr;
  }
};

class Services::Sink final : public Call::Sink {
 public:
  Sink(CallRequest request, Answer answer, std::shared_ptr<Outbox> outbox)
      : request_(std::move(request)), answer_(std::move(answer)), outbox_(std::move(outbox)) {}
  const CallRequest& request() const override { return request_; }
  void answer(CallReply reply) override {
    answer_.reply = std::move(reply);
    outbox_->take(std::move(answer_));
  }

 private:
  CallRequest request_;
  Answer answer_;
  std::shared_ptr<Outbox> outbox_;
};

Services::Services(net::Loop& loop, const ServicesSettings& settings, OnAnswer on_answer)
    : loop_(loop),
      settings_(settings),
      on_answer_(std::move(on_answer)),
      outbox_(std::make_shared<Outbox>()),
      cores_(loop, settings.cores, settings.speed, settings.discipline),
      idle_timer_(loop, [this] { on_idle_due(); }) {
  outbox_->services = this;
}

Services::~Services() {
  outbox_->close();
  work_queue_.reset();
}

Result<std::unique_ptr<Services>> Services::make(net::Loop& loop, const ServicesSettings& settings,
                                                 const std::vector<ServiceSpec>& specs,
                                                 OnAnswer on_answer) {
  std::unique_ptr<Services> services(new Services(loop, settings, std::move(on_answer)));
  if (Status built = services->build(specs); !built) return Error{built.error()};
  return services;
}

Status Services::build(const std::vector<ServiceSpec>& specs) {
  const HandlerContext context{loop_,           cores_,          slowdowns_,
                               settings_.cores, settings_.speed, settings_.queue};
  for (const ServiceSpec& spec : specs) {
    if (!by_name_.emplace(spec.name, services_.size()).second) {
      return Error{"service " + spec.name + " is given twice"};
    }
    Result<MadeHandler> made = make_handler(spec.handler, context);
    if (!made) return Error{"service " + spec.name + ": " + made.error()};
    Service& service = services_.emplace_back();
    service.spec = spec;
    service.made = std::move(*made);
    service.is_held = spec.is_standby;
    service.is_offered = !spec.is_standby;
    is_modelled_ = is_modelled_ && service.made.is_modelled;
    if (service.made.place == Place::kThreads) service.lane = lanes_++;
  }
  if (services_.empty()) return Error{"a node needs at least one service"};
  start_threads();
  return success();
}

void Services::start_threads() {
  if (lanes_ == 0) return;
  std::vector<LaneSettings> lanes;
  for (const Service& service : services_) {
    if (service.made.place != Place::kThreads) continue;
    lanes.push_back({service.made.handler.get(), service.made.at_once, service.made.queue,
                     service.made.is_fifo});
  }
  work_queue_ = std::make_unique<WorkQueue>(settings_.cores, std::move(lanes),
                                            [epoch = loop_.epoch()] { return epoch.time(); });
}

Result<std::size_t> Services::find(const std::string& service) const {
  const auto found = by_name_.find(service);
  if (found == by_name_.end()) return Error{"this node hosts no service \"" + service + "\""};
  return found->second;
}

void Services::submit(const ReturnAddress& to, CallRequest request) {
  const Result<std::size_t> found = find(request.service);
  if (!found) return refuse(to, 404, AttemptResult::kRefused);
  Service& service = services_[*found];
  if (is_draining_) return refuse(to, 503, AttemptResult::kRefused);
  const std::size_t bytes = size_of(request);
  if (under_way_ >= settings_.requests || bytes > settings_.request_bytes - bytes_under_way_) {
    return refuse(to, 503, AttemptResult::kQueueFull);
  }
  if (service.is_held && service.waiting.size() >= kHeldMax) {
    return refuse(to, 503, AttemptResult::kQueueFull);
  }
  ++under_way_;
  bytes_under_way_ += bytes;
  if (service.forward) return service.forward(to, std::move(request));
  if (service.is_held) return service.waiting.push_back({to, std::move(request)});
  admit(*found, to, std::move(request));
}

// Counted already.
void Services::admit(std::size_t number, const ReturnAddress& to, CallRequest request) {
  Service& service = services_[number];
  if (const Status awake = wake(service); !awake) {
    return forwarded_done(to, size_of(request), {500, {}, {}, AttemptResult::kError});
  }
  ++service.under_way;
  const Answer answer{to, number, size_of(request), loop_.event_time(), admitted_, {}};
  ++admitted_;
  Call call(std::make_unique<Sink>(std::move(request), answer, outbox_));
  if (service.made.place == Place::kLoop) return service.made.handler->handle(std::move(call));
  if (!work_queue_->submit(service.lane, call)) {
    call.answer({503, {}, {}, AttemptResult::kQueueFull});
  }
}

void Services::refuse(const ReturnAddress& to, int status, AttemptResult result) {
  ++totals_.refused;
  signals_.answered(0, Duration{0}, Duration{0}, false);
  on_answer_(to, {status, {}, {}, result});
}

void Services::deliver(Answer answer) {
  Service& service = services_[answer.service];
  assert(service.under_way > 0);
  --under_way_;
  bytes_under_way_ -= answer.request_bytes;
  --service.under_way;
  const bool is_refusal = answer.reply.result == AttemptResult::kQueueFull ||
                          answer.reply.result == AttemptResult::kRefused;
  ++(is_refusal ? totals_.refused : totals_.completed);
  --admitted_;
  const Time now = loop_.now();  // the event may have begun with the request
  const Duration latency = now - answer.came;
  const Duration service_time = answer.reply.service;
  signals_.answered(answer.load, latency, service_time > Duration{0} ? service_time : latency,
                    answer.reply.result == AttemptResult::kOk);
  if (service.under_way == 0) {
    service.idle_since = now;
    arm_idle();
  }
  on_answer_(answer.to, std::move(answer.reply));
  if (service.under_way == 0 && service.on_quiet) tell_quiet(service);
}

void Services::tell_quiet(Service& service) { std::exchange(service.on_quiet, nullptr)(success()); }

void Services::hold(const std::string& service, OnHeld done) {
  const Result<std::size_t> found = find(service);
  if (!found) return done(Error{found.error()});
  Service& held = services_[*found];
  if (held.on_quiet) return done(Error{"service " + service + " is being moved already"});
  held.is_held = true;
  held.on_quiet = std::move(done);
  if (held.under_way == 0) tell_quiet(held);
}

void Services::take(const std::string& service, What what, OnTaken done) {
  const Result<std::size_t> found = find(service);
  if (!found) return done(Error{found.error()});
  Service& source = services_[*found];
  const bool was_held = source.is_held;
  hold(service, [this, &source, was_held, what, done = std::move(done)](const Status& held) {
    if (!held) return done(Error{held.error()});
    if (const Status awake = wake(source); !awake) return done(Error{awake.error()});
    source.taken_at = loop_.now();
    Handler& handler = *source.made.handler;
    Result<std::string> taken = what == What::kState ? handler.snapshot() : handler.changes();
    if (!was_held) static_cast<void>(resume(source.spec.name));
    done(std::move(taken));
  });
}

Status Services::put(const std::string& service, What what, std::string_view bytes) {
  const Result<std::size_t> found = find(service);
  if (!found) return Error{found.error()};
  Service& target = services_[*found];
  if (target.under_way > 0) {
    return Error{"service " + service + " has " + std::to_string(target.under_way) +
                 " requests in service"};
  }
  if (Status awake = wake(target); !awake) return awake;
  target.idle_since = loop_.now();
  target.taken_at = kNever;
  arm_idle();
  Handler& handler = *target.made.handler;
  return what == What::kState ? handler.restore(bytes) : handler.apply(bytes);
}

Status Services::prepare(const std::string& service) {
  const Result<std::size_t> found = find(service);
  if (!found) return Error{found.error()};
  Service& target = services_[*found];
  if (!target.is_held) return Error{"service " + service + " serves here already"};
  target.forward = nullptr;
  target.asleep.reset();
  target.made.handler->clear();
  return success();
}

// A handler may answer from within, and what waits must not be overtaken.
void Services::let_go(Service& service, const std::function<void(Waiting)>& each) {
  while (!service.waiting.empty()) {
    Waiting first = std::move(service.waiting.front());
    service.waiting.pop_front();
    each(std::move(first));
  }
}

Status Services::resume(const std::string& service) {
  const Result<std::size_t> found = find(service);
  if (!found) return Error{found.error()};
  Service& held = services_[*found];
  held.forward = nullptr;
  if (held.on_quiet) std::exchange(held.on_quiet, nullptr)(Error{"the move was called off"});
  let_go(held, [&](Waiting one) { admit(*found, one.to, std::move(one.request)); });
  held.is_held = false;
  held.idle_since = loop_.now();
  arm_idle();
  return success();
}

Status Services::forward(const std::string& service, Forward forward) {
  const Result<std::size_t> found = find(service);
  if (!found) return Error{found.error()};
  Service& moved = services_[*found];
  if (!moved.is_held) return Error{"service " + service + " is not held"};
  moved.forward = std::move(forward);
  let_go(moved, [&](Waiting one) { moved.forward(one.to, std::move(one.request)); });
  return success();
}

Status Services::retire(const std::string& service) {
  const Result<std::size_t> found = find(service);
  if (!found) return Error{found.error()};
  Service& retired = services_[*found];
  if (retired.under_way > 0) return Error{"service " + service + " has requests in service"};
  retired.is_held = true;
  retired.asleep.reset();
  retired.taken_at = kNever;
  retired.made.handler->clear();
  let_go(retired, [&](Waiting one) {
    forwarded_done(one.to, size_of(one.request), {503, {}, {}, AttemptResult::kRefused});
  });
  return success();
}

void Services::forwarded_done(const ReturnAddress& to, std::size_t request_bytes, CallReply reply) {
  assert(under_way_ > 0);
  --under_way_;
  bytes_under_way_ -= request_bytes;
  if (reply.result == AttemptResult::kQueueFull || reply.result == AttemptResult::kRefused) {
    ++totals_.refused;
  }
  on_answer_(to, std::move(reply));
}

Status Services::offer(const std::string& service, double weight) {
  const Result<std::size_t> found = find(service);
  if (!found) return Error{found.error()};
  Service& offered = services_[*found];
  offered.is_offered = weight > 0;
  if (weight > 0) offered.spec.weight = weight;
  return success();
}

std::vector<Services::Offered> Services::offers() const {
  std::vector<Offered> all;
  for (const Service& service : services_) {
    if (service.is_offered) all.push_back({service.spec.name, service.spec.weight});
  }
  return all;
}

std::vector<std::string_view> Services::standby() const {
  std::vector<std::string_view> all;
  for (const Service& service : services_) {
    if (service.spec.is_standby) all.push_back(service.spec.name);
  }
  return all;
}

bool Services::is_standby(const std::string& service) const {
  const Result<std::size_t> found = find(service);
  return found && services_[*found].spec.is_standby;
}

Status Services::check_hosted(const std::string& service) const {
  const Result<std::size_t> found = find(service);
  return found ? success() : Error{found.error()};
}

ServicesLoad Services::load() const {
  ServicesLoad load{cores_.waiting(), cores_.in_service()};
  for (const Service& service : services_) {
    if (service.made.is_modelled) continue;
    if (service.made.place == Place::kLoop) {
      load.in_service += static_cast<std::uint32_t>(service.under_way);
    } else {
      const LaneLoad lane = work_queue_->load(service.lane);
      load.waiting += lane.waiting;
      load.in_service += lane.in_service;
    }
  }
  return load;
}

ServicesTotals Services::totals() const {
  ServicesTotals totals = totals_;
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    totals.expired += work_queue_->load(lane).expired;
  }
  return totals;
}

double Services::busy_thread_ns() const {
  return work_queue_ == nullptr ? 0 : work_queue_->busy_ns();
}

void Services::slow(std::uint64_t effect, double factor) {
  slowdowns_.set(effect, factor);
  cores_.set_factor(slowdowns_.factor());
}

void Services::end_slow(std::uint64_t effect) {
  slowdowns_.end(effect);
  cores_.set_factor(slowdowns_.factor());
}

}  // namespace phoenix::node
