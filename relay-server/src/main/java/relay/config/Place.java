package relay.config;

import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.nodes.Node;

/** A value's location: line and column, counted from 1, and its path in the tree. */
record Place(int line, int column, String path) {

  static Place of(Node node, String path) {
    return of(node.getStartMark(), path);
  }

  static Place of(Mark mark, String path) {
    return new Place(mark.getLine() + 1, mark.getColumn() + 1, path);
  }

  /** The place to report for an absent setting: the start of its parent. */
  Place child(String name) {
    return new Place(line, column, path.isEmpty() ? name : path + "." + name);
  }
}
