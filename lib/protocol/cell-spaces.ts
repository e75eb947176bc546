/**
 * Spaces of cells: the directories of the root that hold them, each for a purpose of its own.
 *
 * - `.cells`: those that users ask for by name
 * - `.leases`: who holds which lease
 * - `.flights`: who makes the value of which key
 *
 * Cells of one name in two of them have nothing in common. Nothing happens here.
 */
export const CELL_SPACES = ['.cells', '.leases', '.flights'] as const

/** The space that a cell is in: `.cells`, `.leases` or `.flights`. */
export type CellSpace = (typeof CELL_SPACES)[number]
