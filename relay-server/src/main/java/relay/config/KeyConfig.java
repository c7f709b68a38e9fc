package relay.config;

/**
 * One credential of a provider. Limits belong to the account: see {@link ProviderConfig#groups}.
 *
 * @param id unique in the pool; by default the first 8 hex digits of the secret's SHA-256
 * @param account the owner of the quota; by default the id
 * @param priority keys of higher priority are used first; lower ones only when no higher key has
 *     capacity
 * @param weight its share under weighted selection; 0 = only if no other key has capacity
 * @param maxConcurrent concurrent requests on this key; 0 = no bound
 */
public record KeyConfig(
    Credential credential,
    String id,
    String account,
    int priority,
    int weight,
    int maxConcurrent) {}
