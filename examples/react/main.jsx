import { createRoot } from 'react-dom/client';
import ImageUpload from './ImageUpload.jsx';

const api = new URLSearchParams(location.search).get('api') ?? 'http://127.0.0.1:8080/prod';

createRoot(document.querySelector('main')).render(<ImageUpload api={api} />);
