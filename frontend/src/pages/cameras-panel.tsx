/** Arranges the wall: which cameras are shown, in which order, and groups of cameras. */

import { useState } from "react";
import { MAX_GROUP_NAME, type WallChoices } from "../core/viewer/wall-choices.js";
import { IconButton } from "../react/icon-button.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import { useWords } from "../react/words.js";
import { PastCameras } from "./past-cameras.js";

export interface CamerasPanelProps {
  readonly viewer: Viewer;
  readonly choices: WallChoices;
  readonly group: string | null;
  readonly onGroup: (group: string | null) => void;
  readonly onOpen: (cameraId: string) => void;
  /** A camera that is not here is to be shown at its last recording. */
  readonly onOpenPast: (cameraId: string, at: number) => void;
}

export function CamerasPanel({ viewer, choices, group, onGroup, onOpen, onOpenPast }: CamerasPanelProps) {
  const words = useWords();
  const cameras = useStore(viewer.snapshot, (snapshot) => snapshot.cameras);
  const settings = useStore(choices.settings);
  const members = settings.groups.find((one) => one.name === group)?.cameras ?? null;
  const order = members ?? settings.order;
  const place = (id: string): number => (order.includes(id) ? order.indexOf(id) : order.length);
  const listed = [...cameras].sort((a, b) => place(a.cameraId) - place(b.cameraId));
  const isShown = (id: string): boolean =>
    members ? members.includes(id) : !settings.hidden.includes(id) && !settings.removed.includes(id);
  const show = (id: string, shown: boolean): void => {
    if (members && group !== null) {
      const others = members.filter((one) => one !== id);
      choices.setGroup(group, shown ? [...others, id] : others);
      if (!shown && others.length === 0) onGroup(null);
      return;
    }
    choices.mark("hidden", id, !shown);
    if (shown) choices.mark("removed", id, false);
  };

  return (
    <div className="page-cameras">
      <ul>
        {listed.map(({ cameraId, name, status }, index) => (
          <li key={cameraId}>
            <label>
              <input
                type="checkbox"
                checked={isShown(cameraId)}
                onChange={(event) => show(cameraId, event.target.checked)}
              />
              <span className="sky-dot" data-status={status} />
              <bdi>{name}</bdi>
              <span className={status === "stopped" ? "page-state" : "sky-visually-hidden"}>
                {words.status[status].toLowerCase()}
              </span>
            </label>
            <IconButton
              icon="expand"
              label={words.camera.showFull(name)}
              title={words.arrange.fullSize}
              onClick={() => onOpen(cameraId)}
            />
            <button
              type="button"
              className="page-up"
              aria-label={words.arrange.up(name)}
              disabled={index === 0}
              onClick={() => choices.move(cameraId, listed[index - 1]?.cameraId ?? null, members && group)}
            >
              ↑
            </button>
            <button
              type="button"
              className="page-up"
              aria-label={words.arrange.down(name)}
              disabled={index === listed.length - 1}
              onClick={() => choices.move(cameraId, listed[index + 2]?.cameraId ?? null, members && group)}
            >
              ↓
            </button>
          </li>
        ))}
      </ul>
      <label className="page-switch">
        <input
          type="checkbox"
          checked={settings.hideOffline}
          onChange={(event) => choices.set({ hideOffline: event.target.checked })}
        />
        {words.head.hideOffline}
      </label>
      {members && group !== null ? (
        <p>
          <button
            type="button"
            className="sky-button"
            onClick={() => {
              choices.setGroup(group, []);
              onGroup(null);
            }}
          >
            {words.arrange.deleteGroup(group)}
          </button>
        </p>
      ) : (
        <NewGroup
          onCreate={(name) => {
            choices.setGroup(name, listed.map(({ cameraId }) => cameraId).filter(isShown));
            onGroup(name);
          }}
        />
      )}
      <PastCameras viewer={viewer} onOpen={onOpenPast} />
    </div>
  );
}

/** Makes a group of the cameras that are shown now. */
function NewGroup({ onCreate }: { onCreate: (name: string) => void }) {
  const words = useWords();
  const [name, setName] = useState("");
  return (
    <form
      className="page-group sky-field"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === "") return;
        onCreate(name.trim());
        setName("");
      }}
    >
      <label htmlFor="group-name">{words.arrange.newGroup}</label>
      <span>
        <input
          id="group-name"
          type="text"
          maxLength={MAX_GROUP_NAME}
          placeholder={words.arrange.groupExample}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <IconButton
          icon="plus"
          label={words.arrange.addGroup}
          onClick={(event) => event.currentTarget.form?.requestSubmit()}
        />
      </span>
    </form>
  );
}
