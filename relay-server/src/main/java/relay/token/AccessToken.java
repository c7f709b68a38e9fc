package relay.token;

import java.time.Instant;
import relay.config.Secret;

/** An access token and its expiry. */
public record AccessToken(Secret value, Instant expiresAt) {}
