package relay.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import relay.config.ModelPattern;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;

/** The clients and what each may use; {@code null} is no restriction. */
final class ClientsJson {
  private ClientsJson() {}

  static ObjectNode of(Auth auth) {
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    ArrayNode clients = all.putArray("clients");
    switch (auth) {
      case Auth.Open() -> {}
      case Auth.Clients(var list) -> list.forEach(client -> clients.add(client(client)));
    }
    return all;
  }

  private static ObjectNode client(Client each) {
    ObjectNode client = JsonNodeFactory.instance.objectNode();
    client.put("name", each.name());
    if (each.models().isEmpty()) {
      client.putNull("models");
    } else {
      ArrayNode models = client.putArray("models");
      each.models().stream().map(ModelPattern::pattern).forEach(models::add);
    }
    if (each.providers().isEmpty()) {
      client.putNull("providers");
    } else {
      ArrayNode providers = client.putArray("providers");
      each.providers().stream().sorted().forEach(providers::add);
    }
    client.putNull("limits");
    return client;
  }
}
