package relay.config;

import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.nodes.Node;

/** Where a value stands: line and column from 1, and the path that leads there. */
record Place(int line, int column, String path) {

  static Place of(Node node, String path) {
    return of(node.getStartMark(), path);
  }

  static Place of(Mark mark, String path) {
    return new Place(mark.getLine() + 1, mark.getColumn() + 1, path);
  }

  /** The place of something that is absent: where its parent starts. */
  Place child(String name) {
    return new Place(line, column, path.isEmpty() ? name : path + "." + name);
  }
}
