// Makes tables sortable by column. Without this script the page still shows everything.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const value = (row, column) => {
    const cell = row.cells[column];
    return "sort" in cell.dataset ? Number(cell.dataset.sort) : cell.textContent.trim();
  };
  const compare = (one, other) => (typeof one === "number" ? one - other : one.localeCompare(other));
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      // Numbers start with the largest, names with the first.
      const first = "sort" in (body.rows[0]?.cells[column].dataset ?? {}) ? "descending" : "ascending";
      const order = head.ariaSort ? (head.ariaSort === "ascending" ? "descending" : "ascending") : first;
      for (const cell of table.tHead.rows[0].cells) cell.ariaSort = null;
      head.ariaSort = order;
      const rows = [...body.rows].sort((one, other) => compare(value(one, column), value(other, column)));
      body.append(...(order === "ascending" ? rows : rows.reverse()));
    });
  });
}
