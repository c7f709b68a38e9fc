package relay.operate;

import java.util.ArrayList;
import java.util.List;

/** A table. Each column is as wide as its widest cell. */
final class Grid {
  private static final String GAP = "  ";
  private static final String RESET = "\u001b[0m";

  private final boolean colours;
  private final List<List<Cell>> rows = new ArrayList<>();

  Grid(boolean colours) {
    this.colours = colours;
  }

  /** The look of a cell. */
  enum Style {
    PLAIN(""),
    FAINT("\u001b[2m"),
    GREEN("\u001b[32m"),
    YELLOW("\u001b[33m"),
    RED("\u001b[31m");

    private final String code;

    Style(String code) {
      this.code = code;
    }

    String on(String text) {
      return this == PLAIN ? text : code + text + RESET;
    }
  }

  /** The text of one column in one row. */
  record Cell(String text, Style style) {
    static Cell of(String text) {
      return new Cell(text, Style.PLAIN);
    }
  }

  void add(List<Cell> row) {
    rows.add(List.copyOf(row));
  }

  /** The rows as lines, each indented by one gap. */
  String lines() {
    int[] widths = widths();
    StringBuilder lines = new StringBuilder();
    for (List<Cell> row : rows) {
      // No padding after the last text of a line.
      int last = row.size() - 1;
      while (last > 0 && row.get(last).text().isEmpty()) {
        last--;
      }
      for (int column = 0; column <= last; column++) {
        Cell cell = row.get(column);
        lines.append(GAP);
        lines.append(colours ? cell.style().on(cell.text()) : cell.text());
        if (column < last) {
          lines.repeat(' ', widths[column] - cell.text().length());
        }
      }
      lines.append('\n');
    }
    return lines.toString();
  }

  /** The columns that {@link #lines} takes. */
  int width() {
    int width = 0;
    for (int column : widths()) {
      width += GAP.length() + column;
    }
    return width;
  }

  private int[] widths() {
    int[] widths = new int[rows.stream().mapToInt(List::size).max().orElse(0)];
    for (List<Cell> row : rows) {
      for (int column = 0; column < row.size(); column++) {
        widths[column] = Math.max(widths[column], row.get(column).text().length());
      }
    }
    return widths;
  }
}
