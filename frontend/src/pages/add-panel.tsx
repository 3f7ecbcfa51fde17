/** The ways to add a camera. */

export function AddPanel() {
  const server = new URL("./", location.href).href.replace(/\/$/, "");
  return (
    <div className="page-add">
      <section>
        <h3>This computer or phone</h3>
        <p>
          <a className="sky-button sky-button--primary" href="./capture">
            Open the capture page
          </a>
        </p>
      </section>
      <section>
        <h3>A phone</h3>
        <p>
          Open <code>{server}/capture</code> on the phone, or scan the code on the capture page. The address
          must be https, otherwise the phone gives it no camera.
        </p>
      </section>
      <section>
        <h3>A network camera</h3>
        <pre>
          <code>{`skysentry-trio capture rtsp://ADDRESS/stream \\\n  --server ${server} --id yard`}</code>
        </pre>
      </section>
      <section>
        <h3>The test picture</h3>
        <pre>
          <code>{`skysentry-trio capture pattern \\\n  --server ${server} --id test`}</code>
        </pre>
      </section>
    </div>
  );
}
