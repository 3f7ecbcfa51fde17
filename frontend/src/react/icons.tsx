/** The icons, drawn on a 24-unit grid in the colour of the text. */

interface IconProps {
  readonly path: string;
}

export function Icon({ path }: IconProps) {
  return (
    <svg className="sky-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={path} />
    </svg>
  );
}

export const ICONS = {
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14",
  expand: "M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5",
  close: "M6 6l12 12M18 6 6 18",
  previous: "M14.5 5.5 8 12l6.5 6.5",
  next: "M9.5 5.5 16 12l-6.5 6.5",
  gauge: "M4 17a8 8 0 1 1 16 0M12 17l4-5.5",
  offline: "M4 4l16 16M8.5 6H15l1.5 2H20v9M16 18H4V8h2",
  play: "M7 4.5v15l12-7.5z",
  stop: "M6.5 6.5h11v11h-11z",
  pause: "M8 5v14M16 5v14",
  stepBack: "M17 6v12l-8-6zM6.5 6v12",
  stepForward: "M7 6v12l8-6zM17.5 6v12",
  skipBack: "M4 12a8 8 0 1 0 2.500-5.800M4 4v4.500h4.500",
  boxes: "M4 8V4h4M20 8V4h-4M4 16v4h4M20 16v4h-4M9 9h6v6H9z",
  markStart: "M9 4H5v16h4",
  markEnd: "M15 4h4v16h-4",
  back: "M19 12H5M11 6l-6 6 6 6",
  down: "M6 9.500l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pip: "M3.500 5h17v14h-17zM12 12h6v4.500h-6z",
  share: "M12 15V4M8 7.500 12 3.500l4 4M5 12.500V20h14v-7.500",
  shrink: "M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5",
  toStart: "M6 6v12M18 6v12l-9-6z",
  toEnd: "M18 6v12M6 6v12l9-6z",
  reverse: "M17 4.500v15l-12-7.500z",
  scissors:
    "M7 9a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM7 20a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM9 8.500 20 18M9 15.500 20 6",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  snapshot: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  phone: "M8 3h8v18H8zM11 18h2",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.700l-1.600 1.600M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700l1.600-1.600",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  torch: "M8 3h8v3.500l-2 3.500v11h-4V10L8 6.500zM8 6.500h8M12 13.500v2",
  flip: "M5 9a7.500 7.500 0 0 1 13-2l2 2M20 4v5h-5M19 15a7.500 7.500 0 0 1-13 2l-2-2M4 20v-5h5",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z",
  live: "M12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5zM7.500 16.500a6.400 6.400 0 0 1 0-9M16.500 7.500a6.400 6.400 0 0 1 0 9M4.500 19.500a10.600 10.600 0 0 1 0-15M19.500 4.500a10.600 10.600 0 0 1 0 15",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  calendar: "M4 6.500h16V20H4zM4 10.500h16M8 4v4M16 4v4",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6zM8.500 11V7.500a3.500 3.500 0 0 1 6.800-1.200",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
} as const;

export type IconName = keyof typeof ICONS;
