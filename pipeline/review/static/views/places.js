// Where the gallery's tiles lie: upright pictures take one column, pictures wider than high two.

export class Places {
  /** `shapes` = how many in a row are upright, then how many are wide, and so on. */
  constructor(shapes, total, columns) {
    this.columns = columns;
    this.total = total;
    this.row = new Int32Array(total);
    this.column = new Int32Array(total);
    this.span = new Uint8Array(total);
    this.first = []; // of each row
    this.lay(shapes || []);
  }

  get rows() { return this.first.length; }

  lay(shapes) {
    let run = 0, left = shapes[0] ?? this.total, wide = false, column = this.columns;
    for (let index = 0; index < this.total; index += 1) {
      while (left === 0) {
        run += 1;
        wide = !wide;
        left = shapes[run] ?? this.total;
      }
      left -= 1;
      const span = wide ? 2 : 1;
      if (column + span > this.columns) {
        this.first.push(index);
        column = 0;
      }
      this.row[index] = this.first.length - 1;
      this.column[index] = column;
      this.span[index] = span;
      column += span;
    }
  }

  /** First of a row, and of what comes after the last row. */
  start(row) {
    return row >= this.rows ? this.total : this.first[Math.max(0, row)];
  }

  /** The tile that is so many rows further, at the same place as far as there is one. */
  below(index, rows) {
    const row = Math.min(Math.max(0, this.row[index] + rows), this.rows - 1);
    const middle = this.column[index] + this.span[index] / 2;
    let best = this.start(row);
    for (let each = best; each < this.start(row + 1); each += 1) if (this.column[each] < middle) best = each;
    return best;
  }
}
