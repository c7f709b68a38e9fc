package relay.operate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Reads what a replica answers. */
final class ReplicaJson {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ReplicaJson() {}

  static JsonNode of(String answer) throws OperationFailed {
    try {
      return JSON.readTree(answer);
    } catch (JsonProcessingException e) {
      throw OperationFailed.atRunTime("the replica's answer is not JSON; is it a Relay?");
    }
  }
}
