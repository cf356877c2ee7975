// The score of C3 (Suresh et al., NSDI 2015), as formulas.
#pragma once

namespace phoenix {

// The queue to expect at a node: this request, those this client has there, times the clients that
// do alike, and the queue the node has told of.
inline double c3_queue(double outstanding, double clients, double queue) {
  return 1 + outstanding * clients + queue;
}

// Seconds; the least is best. The cube punishes long queues more than a slow node.
inline double c3_score(double response_s, double service_s, double queue) {
  return response_s - service_s + queue * queue * queue * service_s;
}

}  // namespace phoenix
