package relay.redis.script;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import relay.redis.model.PoolSnapshot.ClientState;

/** Reads the clients of a short pool in a reply of {@code survey}. */
final class SharedClients {
  private static final double MILLION = 1e6;
  private static final int VALUES = 4; // of a client: `client:rank`, weight, waiting, granted

  private SharedClients() {}

  /**
   * Adds up what each client has in all model classes and ranks.
   *
   * @param classes the rows of the model classes
   */
  static List<ClientState> of(List<Object> classes) {
    Map<String, ClientState> all = new HashMap<>();
    for (Object row : classes) {
      List<Object> values = Reply.list(row);
      Map<String, Double> granted = new HashMap<>(); // by rank
      Map<String, Double> weights = new HashMap<>();
      for (int n = 0; n < values.size(); n += VALUES) {
        String rank = rank(Reply.text(values.get(n)));
        weights.merge(rank, (double) Reply.number(values.get(n + 1)), Double::sum);
        granted.merge(rank, Reply.number(values.get(n + 3)) / MILLION, Double::sum);
      }
      for (int n = 0; n < values.size(); n += VALUES) {
        String whose = Reply.text(values.get(n));
        String rank = rank(whose);
        String name = whose.substring(0, whose.length() - rank.length() - 1);
        double part = Reply.number(values.get(n + 1)) / weights.getOrDefault(rank, 1.0);
        ClientState here =
            new ClientState(
                name,
                Reply.number(values.get(n + 3)) / MILLION,
                part * granted.getOrDefault(rank, 0.0),
                Reply.number(values.get(n + 2)));
        all.merge(name, here, ClientState::and);
      }
    }
    return new ArrayList<>(all.values());
  }

  private static String rank(String whose) {
    return whose.substring(whose.lastIndexOf(':') + 1);
  }
}
