package relay.estimate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import relay.estimate.AgentTrace.Request;
import relay.estimate.Estimator.Estimate;
import relay.model.Counting;
import relay.redis.Estimates;

/** Compares requests' usage with their reservations. */
final class EstimateReplay {
  private static final double WINDOW_SECONDS = 60;

  private final List<Request> requests = new ArrayList<>();
  private final List<Estimate> reserved = new ArrayList<>();

  private EstimateReplay() {}

  /** One dimension of a replay. */
  enum Dimension {
    INPUT,
    OUTPUT
  }

  /** Reserves a quarter token per byte, and the client's output bound. */
  static EstimateReplay ofBounds(List<Request> trace, long maxTokens) {
    EstimateReplay replay = new EstimateReplay();
    for (Request r : trace) {
      long output = r.maxTokens() > 0 ? r.maxTokens() : maxTokens;
      replay.add(r, new Estimate(r.inputBytes() / 4, output, -1));
    }
    return replay;
  }

  /** Relay's reservations before any learning. */
  static EstimateReplay ofGuesses(List<Request> trace) {
    Estimates nothing = new Estimates();
    EstimateReplay replay = new EstimateReplay();
    trace.forEach(r -> replay.add(r, estimate(nothing, r)));
    return replay;
  }

  /** Relay's reservations while it learns, without the first requests. */
  static EstimateReplay ofLearned(List<Request> trace, int without) {
    Estimates estimates = new Estimates();
    EstimateReplay replay = new EstimateReplay();
    for (int n = 0; n < trace.size(); n++) {
      Request r = trace.get(n);
      if (n >= without) {
        replay.add(r, estimate(estimates, r));
      }
      estimates.learn(r.use().model(), r.inputBytes(), r.chargedInput(), r.output());
    }
    return replay;
  }

  private static Estimate estimate(Estimates estimates, Request r) {
    return Estimator.estimate(
        estimates,
        Counting.of(r.use().dialect(), r.use().model()),
        r.use().model(),
        new TextSize(r.inputBytes(), r.maxTokens()));
  }

  private void add(Request request, Estimate estimate) {
    requests.add(request);
    reserved.add(estimate);
  }

  /** The quantile of the error (reserved minus used, divided by used) for a share of requests. */
  double error(Dimension d, double share) {
    double[] errors = new double[requests.size()];
    for (int n = 0; n < errors.length; n++) {
      double used = used(d, n);
      errors[n] = (reserved(d, n) - used) / used;
    }
    Arrays.sort(errors);
    return errors[(int) Math.min(errors.length - 1, Math.floor(share * errors.length))];
  }

  /**
   * The share of a limit lost to excess reservations at full use. Each reservation holds its excess
   * while its request runs, out of a window of 60 s.
   */
  double lost(Dimension d) {
    double heldTokenSeconds = 0;
    double usedTokens = 0;
    for (int n = 0; n < requests.size(); n++) {
      heldTokenSeconds += Math.max(0, reserved(d, n) - used(d, n)) * requests.get(n).seconds();
      usedTokens += used(d, n);
    }
    double held = heldTokenSeconds / WINDOW_SECONDS / usedTokens; // per used token
    return held / (1 + held);
  }

  /** Tokens used in excess of their reservation, as a share of all tokens. */
  double beyond(Dimension d) {
    double beyond = 0;
    double usedTokens = 0;
    for (int n = 0; n < requests.size(); n++) {
      beyond += Math.max(0, used(d, n) - reserved(d, n));
      usedTokens += used(d, n);
    }
    return beyond / usedTokens;
  }

  private double reserved(Dimension d, int n) {
    Estimate r = reserved.get(n);
    return (double) (d == Dimension.INPUT ? r.inputTokens() : r.outputTokens());
  }

  private double used(Dimension d, int n) {
    Request r = requests.get(n);
    return (double) (d == Dimension.INPUT ? r.chargedInput() : r.output());
  }
}
