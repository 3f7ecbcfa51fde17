import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Icon, ICONS, type IconName } from "./icons.js";

export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "type" | "children"> {
  readonly icon: IconName;
  /**
   * What the button does. Without `labelShown`, the label is not visible: screen readers read it, and it is the tooltip
   * unless `title` is set.
   */
  readonly label: ReactNode;
  /** Shows the label beside the icon. */
  readonly labelShown?: boolean | undefined;
}

/** A button with an icon and a label. */
export function IconButton({ icon, label, labelShown, className, title, ...attributes }: IconButtonProps) {
  const classes = ["sky-button", labelShown ? undefined : "sky-button--icon", className];
  return (
    <button
      type="button"
      {...attributes}
      className={classes.filter((name) => name !== undefined).join(" ")}
      title={title ?? (typeof label === "string" && !labelShown ? label : undefined)}
    >
      <Icon path={ICONS[icon]} />
      <span className={labelShown ? "sky-button__label" : "sky-visually-hidden"}>{label}</span>
    </button>
  );
}
