package relay.config;

import static relay.config.SchemaNode.amount;
import static relay.config.SchemaNode.list;
import static relay.config.SchemaNode.section;
import static relay.config.SchemaNode.text;
import static relay.config.SchemaNode.words;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import relay.config.ServerConfig.Auth;
import relay.config.ServerConfig.Client;

/** Reads budgets and prices, and checks that every model under a budget in dollars has a price. */
final class BudgetSection {
  private static final String FORM = "give usd or tokens";

  private static final SchemaNode BUDGET =
      section("What it may spend in a period")
          .with("usd", amount("US dollars, by `prices`", BudgetConfig.MAX_DOLLARS));
  private static final Setting<Long> TOKENS =
      BUDGET.whole("tokens", 0L, 0L, LimitsConfig.MAX, "Instead: input and output tokens");
  private static final String PER =
      BUDGET.declare("per", words("The period, in UTC", BudgetConfig.Per.class));
  private static final Setting<Boolean> ROLLING =
      BUDGET.flag("rolling", false, "true: any 24 hours, any 30 days");
  private static final Setting<Boolean> HARD =
      BUDGET.flag("hard", false, "true: a running stream ends when it is spent");

  private BudgetSection() {}

  /** Declares {@code budget} in a client's form. */
  static void declareBudget(SchemaNode client) {
    client.declare(
        "budget",
        list("Its budgets, over all replicas", BUDGET.need(PER), BudgetConfig.MAX_BUDGETS)
            .mayBeEmpty());
  }

  /** Declares {@code prices} in the form of the file. */
  static void declarePrices(SchemaNode root) {
    SchemaNode price =
        section("The prices of a model, in US dollars a million tokens")
            .with(
                "model",
                text("The provider's name, * for any part of it", TextSettings.MODEL)
                    .example("claude-sonnet-*"))
            .with("input", amount("Input", PriceConfig.MAX_DOLLARS))
            .with("output", amount("Output", PriceConfig.MAX_DOLLARS))
            .with(
                "cache_read",
                amount("Input from a cache; absent = as input", PriceConfig.MAX_DOLLARS))
            .with(
                "cache_write",
                amount("Input into a cache; absent = as input", PriceConfig.MAX_DOLLARS))
            .need("model", "input", "output");
    root.declare(
        "prices",
        list("Prices of models, for budgets", price, PriceConfig.MAX_PRICES).mayBeEmpty());
  }

  /** A client's budgets. */
  static List<BudgetConfig> of(Section client) {
    List<BudgetConfig> all = new ArrayList<>();
    Uniques<String> labels =
        new Uniques<>(client.faults(), "of the same kind as", "give one budget for each period");
    for (Value entry : entries(client, "budget", BudgetConfig.MAX_BUDGETS)) {
      Section budget = entry.section();
      long most = BudgetConfig.MAX_DOLLARS;
      double usd = ScalarSettings.number(budget, "usd", 0, 0, (double) most);
      long tokens = TOKENS.in(budget);
      Value per = budget.need(PER, "give day or month");
      BudgetConfig.Per period =
          per == null ? null : ScalarSettings.choice(per, BudgetConfig.Per.class, Set.of());
      boolean rolling = ROLLING.in(budget);
      boolean hard = HARD.in(budget);
      budget.done();
      long nanodollars = Math.round(usd * BudgetConfig.DOLLAR);
      if (nanodollars > 0 == tokens > 0) {
        entry.fault(tokens > 0 ? "has usd and tokens" : "has no amount", FORM);
      } else if (period != null) {
        BudgetConfig one = new BudgetConfig(nanodollars, tokens, period, rolling, hard);
        if (labels.add(one.label(), entry.place())) {
          all.add(one);
        }
      }
    }
    return all;
  }

  /** The prices of models. */
  static List<PriceConfig> prices(Section root) {
    List<PriceConfig> all = new ArrayList<>();
    Uniques<String> models =
        new Uniques<>(root.faults(), "of the same model as", "give each model one price");
    for (Value entry : entries(root, "prices", PriceConfig.MAX_PRICES)) {
      Section price = entry.section();
      Value model = price.need("model", "give a model's name, * for any part of it");
      ModelPattern pattern = model == null ? null : TextSettings.pattern(model);
      long input = dollars(price, "input", true, 0);
      long output = dollars(price, "output", true, 0);
      long read = dollars(price, "cache_read", false, input);
      long write = dollars(price, "cache_write", false, input);
      price.done();
      if (pattern != null && models.add(pattern.pattern(), entry.place())) {
        all.add(new PriceConfig(pattern, input, output, read, write));
      }
    }
    return all;
  }

  private static long dollars(Section price, String name, boolean needed, long fallback) {
    if (needed) {
      var _ = price.need(name, "give US dollars a million tokens");
    }
    double most = PriceConfig.MAX_DOLLARS;
    return Math.round(ScalarSettings.number(price, name, fallback / 1e6, 0, most) * 1e6);
  }

  private static List<Value> entries(Section section, String name, int most) {
    Value list = section.take(name);
    List<Value> entries = list == null ? null : list.list(most, "a list of mappings");
    return entries == null ? List.of() : entries;
  }

  /** A model that a client may use under a budget in dollars, and that has no price, is a fault. */
  static void check(Section root, Auth auth, List<ProviderConfig> all, List<PriceConfig> prices) {
    Set<String> seen = new TreeSet<>();
    for (Client client : auth.clients()) {
      if (client.countsDollars()) {
        for (ProviderConfig provider : all) {
          if (provider.enabled() && client.mayUseProvider(provider.name())) {
            provider.namedModels().stream()
                .filter(client::mayUseModel)
                .map(provider::upstreamModel)
                .filter(model -> prices.stream().noneMatch(p -> p.model().matches(model)))
                .filter(seen::add)
                .forEach(
                    model ->
                        root.faults()
                            .add(
                                root.placeOf("prices"),
                                "has no price of the model "
                                    + FaultWording.shown(model)
                                    + ", which client "
                                    + client.name()
                                    + " may use under a budget in usd",
                                "give a price whose model matches it"));
          }
        }
      }
    }
  }
}
